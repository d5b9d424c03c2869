import { logActivity, recordInBackground } from '../activity/record-activity.ts';
import { isStoreUnavailable, storeUnavailable } from '../errors.ts';
import type { LogEvent } from '../log.ts';
import type { Credential, RecordedLogout, RenewResult } from '../session/session-store.ts';
import { newOperation, retryDuringOutage } from '../session/session-work.ts';
import type { Session } from '../session/session.ts';
import type { StartedSession } from '../session/start-session.ts';
import { hashToken, newToken, type TokenHash } from '../session/token.ts';
import { checkPassword, clearCounter, recordFailure, releaseOnError } from './attempts.ts';
import type { AuthWork, Stores } from './auth-work.ts';
import { hashPassword } from './password.ts';
import type { User } from './user-store.ts';

export interface PasswordChange {
  readonly currentPassword: string;
  /** Has passed the rules for new passwords. */
  readonly newPassword: string;
}

export type PasswordChangeResult =
  /** The session goes on under this token; the old one is dead. */
  | ({ readonly status: 'changed'; readonly logouts: readonly RecordedLogout[] } & StartedSession)
  | { readonly status: 'wrong_password' }
  | { readonly status: 'throttled'; readonly retryAfterSeconds: number }
  /** The session ended while its password was being changed. */
  | { readonly status: 'not_signed_in' };

/**
 * Changes the password of the session's user, ends all their other sessions and gives this one a new token
 * (ASVS 5.0 7.4.3). The current password is checked first, and wrong ones count like failed sign-ins.
 *
 * Three round trips, in an order in which an outage before the change changes nothing: the user and the counter; the new
 * hash, only in place of the one that was checked; the sessions.
 *
 * @throws `overloaded`, or `store_unavailable`. If that leaves `new_password` or `password_change` unconfirmed, the other
 *   sessions are ended in the background once the new hash is seen.
 */
export async function changePassword(
  work: AuthWork,
  credential: Credential,
  session: Session,
  { currentPassword, newPassword }: PasswordChange,
): Promise<PasswordChangeResult> {
  const checked = await checkPassword(work, session.username, currentPassword, () =>
    work.users.findById(session.userId),
  );
  switch (checked.status) {
    case 'throttled':
      if (checked.firstInWindow) await recordFailure(work, session.username, checked.user, 'throttled');
      return { status: 'throttled', retryAfterSeconds: checked.retryAfterSeconds };
    case 'refused':
      logChange(work, session, 'authn_password_change_fail');
      return { status: 'wrong_password' };
    case 'matches': {
      const { user, attempt } = checked;
      await releaseOnError(work, attempt, async () => {
        await work.cpuSlots.take(work.trace);
        const newHash = await hashPassword(newPassword, work.settings.BCRYPT_ROUNDS);
        await replaceHash(work, credential, session, user, newHash);
      });
      logChange(work, session, 'authn_password_change');
      const [result] = await Promise.all([
        renewSession(work, credential, session),
        clearCounter(work, attempt),
      ]);
      return result;
    }
  }
}

function logChange(work: AuthWork, session: Session, event: LogEvent): void {
  work.log.event(event, {
    request_id: work.id,
    user_id: session.userId,
    session_id: session.id,
    ip_address: work.client.ipAddress,
  });
}

/** Puts the new hash in the place of the one that was checked. */
async function replaceHash(
  work: AuthWork,
  credential: Credential,
  session: Session,
  user: User,
  newHash: string,
): Promise<void> {
  try {
    if (await work.users.replacePasswordHash(user.id, user.passwordHash, newHash)) return;
    // A retry after a lost reply finds that its first attempt has replaced the hash already.
    if ((await work.users.findById(user.id))?.passwordHash === newHash) return;
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
    work.inBackground('end_other_sessions', (stores) =>
      endOthersOnceChanged(work, stores, credential, session, newHash),
    );
    throw storeUnavailable('database', error.reason.fault, 'new_password');
  }
  // Another hash is there: a change in another tab, or our own rewriting of an old format. Nothing was changed here.
  throw storeUnavailable('database', 'refused');
}

/** Pauses before each look for a hash whose write wasn't confirmed: MySQL may carry it out after we gave up on it. */
const LOOKS_AFTER_MS = [0, 1000, 3000, 8000] as const;

async function endOthersOnceChanged(
  work: AuthWork,
  { users, sessions }: Stores,
  { tokenHash }: Credential,
  session: Session,
  newHash: string,
): Promise<void> {
  for (const pauseMs of LOOKS_AFTER_MS) {
    await work.clock.sleep(pauseMs);
    const user = await retryDuringOutage(work.clock, () => users.findById(session.userId));
    if (user?.passwordHash !== newHash) continue;
    logChange(work, session, 'authn_password_change');
    // Of this moment, so that its cutoff refuses all sign-ins that were checked against the old hash.
    const operation = newOperation(work);
    const logouts = await retryDuringOutage(work.clock, () =>
      sessions.endOthers(session, tokenHash, operation),
    );
    for (const { activity } of logouts) logActivity(work, activity);
    return;
  }
}

async function renewSession(
  work: AuthWork,
  credential: Credential,
  session: Session,
): Promise<PasswordChangeResult> {
  const token = newToken();
  const tokenHash = hashToken(token);
  let result: RenewResult;
  try {
    result = await work.sessions.renew(credential, tokenHash, session, newOperation(work));
    if (result.status === 'superseded') throw storeUnavailable('redis', 'superseded');
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
    work.inBackground('end_other_sessions', (stores) =>
      endAfterLostRenewal(work, stores, credential, session, tokenHash),
    );
    throw storeUnavailable('redis', error.reason.fault, 'password_change');
  }
  if (result.status === 'invalid') return { status: 'not_signed_in' };
  recordInBackground(work, result.logouts);
  return { status: 'changed', token, tokenHash, session: result.session, logouts: result.logouts };
}

/**
 * After a renewal whose reply was lost: if it happened, no client has the new token, so that session ends with the
 * others; if it didn't, it never will. The cron delivers the rows.
 */
async function endAfterLostRenewal(
  work: AuthWork,
  { sessions }: Stores,
  { tokenHash }: Credential,
  session: Session,
  newTokenHash: TokenHash,
): Promise<void> {
  const operation = newOperation(work);
  const logouts = await retryDuringOutage(work.clock, () =>
    sessions.endOthers(session, tokenHash, operation),
  );
  for (const { activity } of logouts) logActivity(work, activity);
  await retryDuringOutage(work.clock, () => sessions.abandon(newTokenHash, session, operation.nowMs));
}
