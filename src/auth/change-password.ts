import { recordInBackground } from '../activity/record-activity.ts';
import {
  isStoreUnavailable,
  storeUnavailable,
  type Reason,
  type StoreFault,
  type StoreUnavailableError,
} from '../errors.ts';
import type { SessionId, UserId } from '../lib/ids.ts';
import type { Credential, RecordedLogout, RenewResult } from '../session/session-store.ts';
import { newOperation } from '../session/session-work.ts';
import type { StartedSession } from '../session/start-session.ts';
import { hashToken, newToken } from '../session/token.ts';
import { checkPassword, clearCounter, recordFailure, releaseOnError } from './check-password.ts';
import type { AuthWork } from './auth-work.ts';
import { findPasswordFlaw } from './password-rules.ts';
import type { PasswordChange } from './password-changes.ts';
import { hashPassword, hasSalt, newSalt } from './password.ts';
import {
  endAfterLostRenewal,
  endOthersOnceChanged,
  logChange,
  type RenewedSession,
} from './settle-password-changes.ts';
import type { User } from './user-store.ts';

export interface PasswordChangeRequest {
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

/** The session whose credential changes the password. */
export interface ChangingSession {
  readonly id: SessionId;
  readonly userId: UserId;
  /** Null: the credential was renewed by an earlier copy of this request. */
  readonly username: string | null;
}

/** How long after a renewal its old credential may send a copy of the request. */
const COPY_WINDOW_MS = 120_000;

/**
 * The session that an old credential belonged to, if it was renewed so recently that this request may be a copy of the one
 * that renewed it: a double click, or a resend after a lost reply. Null: it wasn't. Throws `store_unavailable`.
 */
export async function findRenewedSession(
  work: AuthWork,
  credential: Credential,
): Promise<ChangingSession | null> {
  const nowMs = work.clock.nowMs();
  const { kind, tokenHash } = credential;
  const check = await work.sessions.check({ kind, tokenHashes: [tokenHash] }, nowMs, { fromPrimary: true });
  const tombstone = check.status === 'invalid' ? check.tombstone : undefined;
  if (tombstone?.reason !== 'renewed' || nowMs - tombstone.endedAtMs >= COPY_WINDOW_MS) return null;
  return { id: tombstone.sessionId, userId: tombstone.userId, username: null };
}

/**
 * Changes the password of the session's user, ends all their other sessions and gives this one a new token
 * (ASVS 5.0 7.4.3). The current password is checked first, and wrong ones are counted for this session.
 *
 * Three round trips: the user, the counter and a note of the change; the new hash, only in place of the one that was
 * checked; the sessions. An outage before the second changes nothing; after it, the cron does what the request couldn't.
 *
 * A copy of the request succeeds as well: where the stored hash is already this change's, or the credential was renewed
 * just now, the *new* password is checked first, and if it matches, only the session is renewed once more.
 *
 * @throws `overloaded`, or `store_unavailable`. If that leaves `new_password` or `password_change` unconfirmed, the other
 *   sessions are ended in the background once the new hash is seen, or by the cron.
 */
export function changePassword(
  work: AuthWork,
  credential: Credential,
  session: ChangingSession,
  request: PasswordChangeRequest,
): Promise<PasswordChangeResult> {
  return work.uninterrupted(() => change(work, credential, session, request));
}

async function change(
  work: AuthWork,
  credential: Credential,
  session: ChangingSession,
  { currentPassword, newPassword }: PasswordChangeRequest,
): Promise<PasswordChangeResult> {
  const { id, userId, username } = session;
  const flaw =
    username === null
      ? null
      : findPasswordFlaw({ password: newPassword, username, minLength: work.settings.MIN_PASSWORD_LENGTH });
  if (flaw !== null) {
    return refused({ code: 'invalid_fields', errors: [{ field: 'new_password', ...flaw }] });
  }
  const wanted = newSalt(work.settings.BCRYPT_ROUNDS);
  let begun: PasswordChange | null = null;
  const isCopy = (user: User | null): boolean =>
    begun === null || (user !== null && hasSalt(user.passwordHash, begun.salt));
  const checked = await checkPassword(
    work,
    username ?? id,
    // Under this change's salt there may also be what an earlier, different change of this session set.
    (user) => [...(isCopy(user) ? [newPassword] : []), ...(begun === null ? [] : [currentPassword])],
    { kind: 'session', sessionId: id },
    async () => {
      const [user, change] = await Promise.all([
        work.users.findById(userId),
        username === null
          ? null
          : work.passwordChanges.begin({
              ...{ tokenHash: credential.tokenHash, sessionId: id, userId, username },
              ...{ salt: wanted, startedAtMs: work.clock.nowMs(), client: work.client },
            }),
      ]);
      begun = change;
      return user;
    },
  );
  switch (checked.status) {
    case 'throttled':
      if (checked.firstInWindow && username !== null)
        await recordFailure(work, username, checked.user ?? { id: userId, username }, 'throttled');
      return refused({ code: 'throttled', retryAfterSeconds: checked.retryAfterSeconds });
    case 'refused':
      logChange(work, session, 'authn_password_change_fail');
      // Without a begun change the credential's session isn't open any more.
      return refused({ code: begun === null ? 'not_signed_in' : 'wrong_current_password' });
    case 'matches': {
      const { user, attempt } = checked;
      const renewed = { id, userId, username: user.username };
      const copies = isCopy(user) && checked.password === newPassword;
      if (!copies) {
        await releaseOnError(work, attempt, async () => {
          await work.cpuSlots.take(work.trace);
          const newHash = await hashPassword(newPassword, begun?.salt ?? wanted);
          await replaceHash(work, credential, renewed, user, newHash);
        });
        logChange(work, session, 'authn_password_change');
      }
      const [result] = await Promise.all([
        renewSession(work, credential, renewed, copies),
        clearCounter(work, attempt),
      ]);
      return result;
    }
  }
}

const refused = (reason: Reason): PasswordChangeResult => ({ status: 'refused', reason });

/** Puts the new hash in the place of the one that was checked. */
async function replaceHash(
  work: AuthWork,
  credential: Credential,
  session: RenewedSession,
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

async function renewSession(
  work: AuthWork,
  credential: Credential,
  session: RenewedSession,
  isCopy: boolean,
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
    result = await work.sessions.renew(credential, tokenHash, session, newOperation(work), isCopy);
  } catch (error) {
    throw isStoreUnavailable(error) ? unconfirmed(error.reason.fault) : error;
  }
  if (result.status === 'superseded') throw unconfirmed('superseded');
  recordInBackground(work, result.logouts);
  if (result.status === 'invalid') return { status: 'refused', reason: { code: 'not_signed_in' } };
  return { status: 'changed', token, tokenHash, session: result.session, logouts: result.logouts };
}
