import { logActivity, recordInBackground } from '../activity/record-activity.ts';
import {
  isStoreUnavailable,
  storeUnavailable,
  type Reason,
  type StoreFault,
  type StoreUnavailableError,
} from '../errors.ts';
import type { LogEvent } from '../log.ts';
import type { Credential, RecordedLogout, RenewResult } from '../session/session-store.ts';
import { newOperation, retryDuringOutage } from '../session/session-work.ts';
import type { Session } from '../session/session.ts';
import type { StartedSession } from '../session/start-session.ts';
import { hashToken, newToken, type TokenHash } from '../session/token.ts';
import { checkPassword, clearCounter, recordFailure, releaseOnError } from './check-password.ts';
import type { AuthWork, Stores } from './auth-work.ts';
import { findPasswordFlaw } from './password-rules.ts';
import { hashPassword } from './password.ts';
import type { User } from './user-store.ts';

export interface PasswordChange {
  readonly currentPassword: string;
  readonly newPassword: string;
}

export type PasswordChangeResult =
  /** The session goes on under this token; the old one is dead. */
  | ({ readonly status: 'changed'; readonly logouts: readonly RecordedLogout[] } & StartedSession)
  /**
   * `invalid_fields` for a password against the rules, `wrong_current_password`, `throttled`, or `not_signed_in` if the
   * session ended meanwhile.
   */
  | { readonly status: 'refused'; readonly reason: Reason };

/**
 * Changes the password of the session's user, ends all their other sessions and gives this one a new token
 * (ASVS 5.0 7.4.3). The current password is checked first, and wrong ones are counted for this session.
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
  const flaw = findPasswordFlaw({
    password: newPassword,
    username: session.username,
    minLength: work.settings.MIN_PASSWORD_LENGTH,
  });
  if (flaw !== null) {
    const errors = [{ field: 'new_password', message: flaw }];
    return { status: 'refused', reason: { code: 'invalid_fields', errors } };
  }
  const source = { kind: 'session', sessionId: session.id } as const;
  const checked = await checkPassword(work, session.username, currentPassword, source, () =>
    work.users.findById(session.userId),
  );
  switch (checked.status) {
    case 'throttled':
      if (checked.firstInWindow) {
        const { userId: id, username } = session;
        await recordFailure(work, username, checked.user ?? { id, username }, 'throttled');
      }
      return {
        status: 'refused',
        reason: { code: 'throttled', retryAfterSeconds: checked.retryAfterSeconds },
      };
    case 'refused':
      logChange(work, session, 'authn_password_change_fail');
      return { status: 'refused', reason: { code: 'wrong_current_password' } };
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
    request_id: work.requestId,
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
  const unconfirmed = (fault: StoreFault): StoreUnavailableError => {
    work.inBackground('end_other_sessions', (stores) =>
      endAfterLostRenewal(work, stores, credential, session, tokenHash),
    );
    return storeUnavailable('redis', fault, 'password_change');
  };
  let result: RenewResult;
  try {
    result = await work.sessions.renew(credential, tokenHash, session, newOperation(work));
  } catch (error) {
    throw isStoreUnavailable(error) ? unconfirmed(error.reason.fault) : error;
  }
  if (result.status === 'superseded') throw unconfirmed('superseded');
  if (result.status === 'invalid') return { status: 'refused', reason: { code: 'not_signed_in' } };
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
