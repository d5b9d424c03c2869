import type { Deps, RequestScope } from '../deps.ts';
import { networkOf } from '../security/client-info.ts';
import type { Attempt } from '../security/throttle.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import { hashPassword, verifyPassword } from '../user/password.ts';
import type { User } from '../user/user-store.ts';
import { uuidV7 } from '../uuid.ts';
import { deliverAfterAnswer, logActivities, newEnding, untilStoreAnswers } from './lifecycle.ts';
import { StartRefusedError, type Ending, type Holder, type RecordedLogout } from './session-store.ts';
import type { Session } from './session.ts';
import { clearCounter, recordFailure, releaseAfterAnswer, reserveAttempt } from './sign-in.ts';
import { hashToken, newToken, type Token, type TokenHash } from './token.ts';

/** Pauses before each look for a hash whose write was not confirmed: it may be done later than we gave up on it. */
const LOOKS_AFTER_MS = [0, 1000, 3000, 8000] as const;

export interface PasswordChange {
  readonly currentPassword: string;
  /** Judged by the rules for new passwords already. */
  readonly newPassword: string;
}

export type PasswordChangeResult =
  | {
      readonly status: 'changed';
      /** The session goes on under this token; the old one is dead. */
      readonly token: Token;
      readonly tokenHash: TokenHash;
      readonly session: Session;
      readonly logouts: readonly RecordedLogout[];
    }
  | { readonly status: 'wrong_password' }
  | { readonly status: 'throttled'; readonly retryAfterSeconds: number }
  /** The session was ended while its password was being changed. */
  | { readonly status: 'not_signed_in' };

/** Nobody knows whether the new password is set; if it is, the other sessions are ended in the background. */
export class PasswordUnconfirmedError extends Error {
  override readonly name = 'PasswordUnconfirmedError';
}

/** The password is changed, but the store of sessions did not confirm that the others are ended. */
export class SessionsNotEndedError extends Error {
  override readonly name = 'SessionsNotEndedError';
}

/**
 * Changes the password of the session's user, ends all other sessions and gives this one a new token
 * (ASVS 5.0 7.4.3). The current password is asked for, and wrong ones count like failed sign-ins.
 *
 * Three waits: the user and the counter; the new hash, only in place of the one that was checked; the sessions.
 * In that order, so that an outage before the change changes nothing; one in the middle of it
 * (`PasswordUnconfirmedError`) or after it (`SessionsNotEndedError`) is told as what it is, while the sessions are
 * ended in the background. Throws `StoreUnavailableError` or
 * `OverloadedError`.
 */
export async function changePassword(
  scope: RequestScope,
  holder: Holder,
  session: Session,
  { currentPassword, newPassword }: PasswordChange,
): Promise<PasswordChangeResult> {
  const { deps, settings, client } = scope;
  const attempt: Attempt = {
    attemptId: uuidV7(deps.clock.nowMs()),
    username: session.username,
    network: networkOf(client.ipAddress),
  };
  const [reservation, user] = await reserveAttempt(scope, attempt, () => deps.users.findById(session.userId));
  if (reservation.status === 'throttled') {
    if (reservation.firstInWindow) await recordFailure(scope, session.username, user, 'throttled');
    return reservation;
  }
  try {
    await deps.cpuTurns.take();
    const matches = await verifyPassword(
      currentPassword,
      user?.passwordHash ?? null,
      settings.BCRYPT_ROUNDS,
      settings.PBKDF2_MAX_ITERATIONS,
    );
    if (user === null || !matches || !user.isActive) {
      logChange(scope, session, 'authn_password_change_fail');
      return { status: 'wrong_password' };
    }
    await deps.cpuTurns.take();
    const newHash = await hashPassword(newPassword, settings.BCRYPT_ROUNDS);
    await putHash(scope, holder, session, user, newHash);
    logChange(scope, session, 'authn_password_change');
  } catch (error) {
    releaseAfterAnswer(scope, attempt);
    throw error;
  }
  const [result] = await Promise.all([renewSession(scope, holder, session), clearCounter(scope, attempt)]);
  return result;
}

function logChange(
  { deps, requestId, client }: RequestScope,
  { userId, id }: Session,
  name: 'authn_password_change' | 'authn_password_change_fail',
): void {
  const { ipAddress } = client;
  deps.log.event(name, { request_id: requestId, user_id: userId, session_id: id, ip_address: ipAddress });
}

/**
 * Puts the new hash in the place of the one that was checked. Throws `StoreUnavailableError` if that was changed
 * meanwhile, perhaps by our own rewriting of it: nothing was changed here, and the next try tells. Throws
 * `PasswordUnconfirmedError` if MySQL's answer never came.
 */
async function putHash(
  scope: RequestScope,
  holder: Holder,
  session: Session,
  user: User,
  newHash: string,
): Promise<void> {
  const { users } = scope.deps;
  let isSet: boolean;
  try {
    isSet =
      (await users.replacePasswordHash(user.id, user.passwordHash, newHash)) ||
      // Or our own write was repeated after a lost answer, and found itself.
      (await users.findById(user.id))?.passwordHash === newHash;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    scope.afterAnswer('end_other_sessions', async (background) => {
      // Made when the write is seen: its time refuses the sign-ins that were checked before. Once, for repetitions.
      let ending: Ending | undefined;
      for (const pauseMs of LOOKS_AFTER_MS) {
        if (ending !== undefined) return;
        await background.clock.sleep(pauseMs);
        await untilStoreAnswers(background, async () => {
          if ((await background.users.findById(user.id))?.passwordHash !== newHash) return;
          if (ending === undefined) logChange(scope, session, 'authn_password_change');
          ending ??= newEnding(scope);
          const others = { all: 'others', because: 'password_changed', userId: user.id } as const;
          // Ids are fresh for each try: after half a script the first ones are taken.
          const { eventIds } = newEnding(scope);
          const result = await background.sessions.revoke(holder, others, { ...ending, eventIds });
          if (result.status === 'revoked') logActivities(scope, result.logouts);
        });
      }
    });
    throw new PasswordUnconfirmedError();
  }
  if (!isSet) throw new StoreUnavailableError('database', 'refused');
}

async function renewSession(
  scope: RequestScope,
  holder: Holder,
  session: Session,
): Promise<PasswordChangeResult> {
  const token = newToken();
  const tokenHash = hashToken(token);
  try {
    const result = await scope.deps.sessions.renew(holder, tokenHash, newEnding(scope), session.userId);
    if (result.status === 'invalid') return { status: 'not_signed_in' };
    logActivities(scope, result.logouts);
    deliverAfterAnswer(scope, result.logouts);
    return { status: 'changed', token, tokenHash, session: result.session, logouts: result.logouts };
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof StartRefusedError)) throw error;
    const endings: [Ending, Ending] = [newEnding(scope), newEnding(scope)];
    scope.afterAnswer('end_other_sessions', (background) =>
      endUnconfirmed(scope, background, holder, session, tokenHash, endings),
    );
    throw new SessionsNotEndedError();
  }
}

/**
 * After a renewal whose answer never came: if it happened, nobody holds its token, so that session ends; if it
 * did not, it never will, and the others end as they would have. The cron delivers the rows.
 */
async function endUnconfirmed(
  scope: RequestScope,
  deps: Deps,
  holder: Holder,
  session: Session,
  newTokenHash: TokenHash,
  [endNew, endOthers]: readonly [Ending, Ending],
): Promise<void> {
  await untilStoreAnswers(deps, async () => {
    logActivities(scope, await deps.sessions.end([newTokenHash], holder.kind, 'password_changed', endNew));
    await deps.sessions.abandon(newTokenHash, session, deps.clock.nowMs());
    const others = { all: 'others', because: 'password_changed', userId: session.userId } as const;
    const { eventIds } = newEnding(scope);
    const result = await deps.sessions.revoke(holder, others, { ...endOthers, eventIds });
    if (result.status === 'revoked') logActivities(scope, result.logouts);
  });
}
