import { logRecorded, recordInBackground, writeRejected } from '../activity/record-activity.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log, LogEvent } from '../log.ts';
import type { Credential } from '../session/session-store.ts';
import { newOperation } from '../session/session-work.ts';
import type { Session } from '../session/session.ts';
import type { TokenHash } from '../session/token.ts';
import { retryDuringOutage } from '../store/retry-during-outage.ts';
import type { AuthWork, Stores } from './auth-work.ts';
import { hasSalt } from './password.ts';

// What ends the other sessions where the request that changed the password couldn't: its own background work, and after
// that, or if the isolate is gone, the cron.

export type RenewedSession = Pick<Session, 'id' | 'userId' | 'username'>;

/** Longer than a request and its background work last together. */
const SETTLE_AFTER_MS = 60_000;
const SETTLE_BATCH_SIZE = 50;
/** Longer than a sign-in takes: one that began its session later than this was checked against the new hash. */
const SIGN_IN_MAX_MS = 10_000;

/**
 * The cron's part, while `hasTime`: where the stored hash is that of the change, the user's other sessions end, with their events in the
 * outbox; otherwise the change was never made, or another one came after it, and it is dropped. A hash that a sign-in
 * rewrote meanwhile doesn't count: its salt is another.
 *
 * @throws `store_unavailable`; what wasn't settled is left for the next run
 */
export async function settlePasswordChanges(
  stores: Stores,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  hasTime: () => boolean,
): Promise<void> {
  const { passwordChanges, users, sessions } = stores;
  while (hasTime()) {
    const nowMs = clock.nowMs();
    const changes = await passwordChanges.findStartedBefore(nowMs - SETTLE_AFTER_MS, SETTLE_BATCH_SIZE);
    for (const change of changes) {
      if (!hasTime()) return;
      const user = await users.findById(change.userId);
      if (user === null || !hasSalt(user.passwordHash, change.salt)) {
        await passwordChanges.drop(change);
        continue;
      }
      const operation = newOperation({ clock, client: change.client });
      const logouts = await sessions.endOthers(
        change,
        change.tokenHash,
        operation,
        change.startedAtMs + SIGN_IN_MAX_MS,
      );
      const rejected = logRecorded({ requestId: operation.id, log }, logouts);
      if (rejected.length > 0) await writeRejected(stores, rejected);
    }
    if (changes.length < SETTLE_BATCH_SIZE) return;
  }
}

/** Pauses before each look for a hash whose write wasn't confirmed: MySQL may carry it out after we gave up on it. */
const LOOKS_AFTER_MS = [0, 1000, 3000, 8000] as const;

export async function endOthersOnceChanged(
  work: AuthWork,
  { users, sessions }: Stores,
  { tokenHash }: Credential,
  session: RenewedSession,
  newHash: string,
): Promise<void> {
  const keepFromMs = work.clock.nowMs() + SIGN_IN_MAX_MS;
  for (const pauseMs of LOOKS_AFTER_MS) {
    await work.clock.sleep(pauseMs);
    const user = await retryDuringOutage(work.clock, () => users.findById(session.userId));
    if (user?.passwordHash !== newHash) continue;
    logChange(work, session, 'authn_password_change');
    // Of this moment, so that its cutoff refuses all sign-ins that were checked against the old hash.
    const operation = newOperation(work);
    const logouts = await retryDuringOutage(work.clock, () =>
      sessions.endOthers(session, tokenHash, operation, keepFromMs),
    );
    recordInBackground(work, logouts);
    return;
  }
}

/**
 * After a renewal whose reply was lost: if it happened, no client has the new token, so that session ends with the
 * others; if it didn't, it never will.
 */
export async function endAfterLostRenewal(
  work: AuthWork,
  { sessions }: Stores,
  { tokenHash }: Credential,
  session: RenewedSession,
  newTokenHash: TokenHash,
): Promise<void> {
  const operation = newOperation(work);
  // No other session is left to end if the renewal happened, or if another one came after it.
  const logouts = await retryDuringOutage(work.clock, () =>
    sessions.endOthers(session, tokenHash, operation, operation.nowMs + SIGN_IN_MAX_MS),
  );
  recordInBackground(work, logouts);
  const ofNewToken = newOperation(work);
  const renewed = await retryDuringOutage(work.clock, () =>
    sessions.end([newTokenHash], 'either', 'password_changed', ofNewToken),
  );
  recordInBackground(work, renewed);
  const abandoned = await retryDuringOutage(work.clock, () =>
    sessions.abandon(newTokenHash, session, operation),
  );
  recordInBackground(work, abandoned);
}

export function logChange(work: AuthWork, session: Pick<Session, 'id' | 'userId'>, event: LogEvent): void {
  work.log.event(event, {
    request_id: work.requestId,
    user_id: session.userId,
    session_id: session.id,
    ip_address: work.client.ipAddress,
  });
}
