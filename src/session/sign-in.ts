import type { LoginActivity, LoginOutcome } from '../activity/events.ts';
import type { RequestScope } from '../deps.ts';
import { networkOf } from '../security/client-info.ts';
import { SHIELD_RETRY_AFTER_SECONDS, type Attempt, type Reservation } from '../security/throttle.ts';
import { hashPassword, needsRehash, verifyPassword } from '../user/password.ts';
import type { User } from '../user/user-store.ts';
import { uuidV7 } from '../uuid.ts';
import {
  deliverAfterAnswer,
  logActivities,
  startNewSessionFor,
  untilStoreAnswers,
  type NewSession,
} from './lifecycle.ts';
import type { Session } from './session.ts';
import type { Token, TokenHash } from './token.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type SignInResult =
  | {
      readonly status: 'signed_in';
      readonly token: Token;
      readonly tokenHash: TokenHash;
      readonly session: Session;
    }
  /** Unknown name, wrong password or inactive user: which of them, nobody outside is told. */
  | { readonly status: 'bad_credentials' }
  | { readonly status: 'throttled'; readonly retryAfterSeconds: number };

/**
 * Signs a user in, through whichever door: two waits on the stores with one bcrypt between them.
 *
 * First, at once, the attempt is counted and the user looked up; then the password is checked, with the same work
 * when there is no such user; then the session is started and the counter cleared, or the failure recorded.
 * Throws `StoreUnavailableError` or `OverloadedError`: nothing was started that somebody holds, and the attempt is
 * given back.
 */
export async function signIn(
  request: RequestScope,
  { username, password }: Credentials,
  wanted: Omit<NewSession, 'checkedFromMs'>,
): Promise<SignInResult> {
  const { deps, settings, client } = request;
  const checkedFromMs = deps.clock.nowMs();
  const attempt: Attempt = {
    attemptId: uuidV7(deps.clock.nowMs()),
    username,
    network: networkOf(client.ipAddress),
  };
  if (!(await deps.shield.admit(attempt.network))) {
    return { status: 'throttled', retryAfterSeconds: SHIELD_RETRY_AFTER_SECONDS };
  }
  const [reservation, user] = await reserveAttempt(request, attempt, () =>
    deps.users.findByUsername(username),
  );
  if (reservation.status === 'throttled') {
    if (reservation.firstInWindow) await recordFailure(request, username, user, 'throttled');
    return { status: 'throttled', retryAfterSeconds: reservation.retryAfterSeconds };
  }

  try {
    await deps.cpuTurns.take();
    const matches = await verifyPassword(
      password,
      user?.passwordHash ?? null,
      settings.BCRYPT_ROUNDS,
      settings.PBKDF2_MAX_ITERATIONS,
    );
    if (user === null || !matches || !user.isActive) {
      const isInactive = user !== null && matches;
      await recordFailure(request, username, user, isInactive ? 'inactive' : 'bad_credentials');
      return { status: 'bad_credentials' };
    }
    const [started] = await Promise.all([
      startNewSessionFor(request, user, { ...wanted, checkedFromMs }),
      clearCounter(request, attempt),
    ]);
    rehashAfterAnswer(request, user, password);
    return { status: 'signed_in', ...started };
  } catch (error) {
    releaseAfterAnswer(request, attempt);
    throw error;
  }
}

/**
 * Counts the attempt and looks the user up, at once. Both are waited for even when one fails: what was counted
 * must be given back only after it was counted. Throws `StoreUnavailableError`.
 */
export async function reserveAttempt(
  request: RequestScope,
  attempt: Attempt,
  findUser: () => Promise<User | null>,
): Promise<[Reservation, User | null]> {
  const [reservation, user] = await Promise.allSettled([request.deps.throttle.reserve(attempt), findUser()]);
  if (reservation.status === 'fulfilled' && user.status === 'fulfilled') {
    return [reservation.value, user.value];
  }
  // Refused is refused, whoever it is: the answer, and its row, need not wait for MySQL.
  if (reservation.status === 'fulfilled' && reservation.value.status === 'throttled') {
    return [reservation.value, null];
  }
  releaseAfterAnswer(request, attempt);
  throw reservation.status === 'rejected' ? reservation.reason : (user as PromiseRejectedResult).reason;
}

/** An outage is no failure of the person who tried: the attempt is given back. */
export function releaseAfterAnswer(request: RequestScope, attempt: Attempt): void {
  request.afterAnswer('release_attempt', (background) =>
    untilStoreAnswers(background, () => background.throttle.release(attempt)),
  );
}

/** The session counts, not the counter: if only this fails, the user is in and it is done in the background. */
export async function clearCounter(request: RequestScope, attempt: Attempt): Promise<void> {
  try {
    await request.deps.throttle.succeed(attempt);
  } catch {
    request.afterAnswer('clear_counter', (background) => background.throttle.succeed(attempt));
  }
}

/** Puts a failed sign-in into the outbox: one wait. */
export async function recordFailure(
  request: RequestScope,
  username: string,
  user: User | null,
  outcome: LoginOutcome,
): Promise<void> {
  const nowMs = request.deps.clock.nowMs();
  const activity: LoginActivity = {
    type: 'login',
    id: uuidV7(nowMs),
    userId: user?.id ?? null,
    username,
    outcome,
    sessionId: null,
    client: request.client,
    occurredAtMs: nowMs,
  };
  logActivities(request, [{ activity }]);
  deliverAfterAnswer(request, [await request.deps.outbox.add(activity)]);
}

/** The password is known in clear only now: the moment to bring an old hash to today's format and cost. */
function rehashAfterAnswer(request: RequestScope, user: User, password: string): void {
  const { BCRYPT_ROUNDS } = request.settings;
  if (!needsRehash(user.passwordHash, BCRYPT_ROUNDS)) return;
  request.afterAnswer('rehash_password', async (deps) => {
    await deps.cpuTurns.take();
    const newHash = await hashPassword(password, BCRYPT_ROUNDS);
    const isReplaced = await deps.users.replacePasswordHash(user.id, user.passwordHash, newHash);
    if (isReplaced) deps.log.event('password_rehashed', { user_id: user.id });
  });
}
