import type { LoginActivity, LoginOutcome } from '../activity/events.ts';
import { deliverInBackground, logActivity, pushInBackground } from '../activity/record-activity.ts';
import { networkOf } from '../lib/client-info.ts';
import { uuidV7 } from '../lib/ids.ts';
import { retryDuringOutage } from '../store/retry-during-outage.ts';
import type { AuthWork } from './auth-work.ts';
import { verifyPassword } from './password.ts';
import type { Attempt, AttemptSource, Throttled } from './throttle.ts';
import type { User } from './user-store.ts';
import { normalizeUsername, unknownName } from './username.ts';

export type CheckedPassword =
  | {
      readonly status: 'matches';
      readonly user: User;
      readonly attempt: Attempt;
      /** The one that matched. */
      readonly password: string;
    }
  /** No such user, a wrong password, or an inactive user. */
  | {
      readonly status: 'refused';
      readonly user: User | null;
      readonly isInactive: boolean;
      readonly attempt: Attempt;
    }
  | (Throttled & { readonly user: User | null });

/**
 * Counts an attempt and looks up the user, at the same time, then checks the password, with the same work if there is no
 * such user. Which passwords may match, the first one first, may depend on the user. An attempt that matches is still
 * counted: the caller settles it.
 *
 * @throws `store_unavailable` or `overloaded`; the attempt is given back
 */
export async function checkPassword(
  work: AuthWork,
  username: string,
  passwordsFor: (user: User | null) => readonly string[],
  source: AttemptSource,
  findUser: () => Promise<User | null>,
): Promise<CheckedPassword> {
  const { settings, client, clock } = work;
  if (client.ipAddress === null && source.kind !== 'session')
    work.log.event('client_address_missing', { request_id: work.requestId });
  const attempt: Attempt = {
    attemptId: uuidV7(clock.nowMs()),
    username: normalizeUsername(username),
    network: networkOf(client.ipAddress),
    source,
  };
  return releaseOnError(work, attempt, async () => {
    // Both must be over before the attempt can be given back.
    const [reserved, found] = await Promise.allSettled([work.throttle.reserve(attempt), findUser()]);
    if (reserved.status === 'rejected') throw reserved.reason;
    const reservation = reserved.value;
    // A throttled attempt is refused for any user, so the response need not depend on MySQL.
    if (reservation.status === 'throttled') {
      return { ...reservation, user: found.status === 'fulfilled' ? found.value : null };
    }
    if (found.status === 'rejected') throw found.reason;
    const user = found.value;
    const hash = user?.passwordHash ?? null;
    for (const password of passwordsFor(user)) {
      await work.cpuSlots.take(work.trace);
      if (!(await verifyPassword(password, hash, settings.BCRYPT_ROUNDS, settings.PBKDF2_MAX_ITERATIONS)))
        continue;
      return user?.isActive === true
        ? { status: 'matches', user, attempt, password }
        : { status: 'refused', user, isInactive: true, attempt };
    }
    return { status: 'refused', user, isInactive: false, attempt };
  });
}

/** An outage is not a failure of the person who tried: the attempt is given back in the background. */
export async function releaseOnError<T>(
  work: AuthWork,
  attempt: Attempt,
  attempted: () => Promise<T>,
): Promise<T> {
  try {
    return await attempted();
  } catch (error) {
    work.inBackground('release_attempt', ({ throttle }) =>
      retryDuringOutage(work.clock, () => throttle.release(attempt)),
    );
    throw error;
  }
}

/** Clears the counter after a success. If only this fails, the user is in all the same, and it is retried in the background. */
export async function clearCounter(work: AuthWork, attempt: Attempt): Promise<void> {
  try {
    await work.throttle.succeed(attempt);
  } catch {
    work.inBackground('clear_counter', ({ throttle }) => throttle.succeed(attempt));
  }
}

/**
 * Adds a failed sign-in to the outbox, in one round trip. `user` null: no user has the name, or MySQL didn't say; a hash of
 * what was typed is recorded in its place.
 */
export async function recordFailure(
  work: AuthWork,
  typedName: string,
  user: Pick<User, 'id' | 'username'> | null,
  outcome: LoginOutcome,
): Promise<void> {
  const nowMs = work.clock.nowMs();
  const activity: LoginActivity = {
    type: 'login',
    id: uuidV7(nowMs),
    userId: user?.id ?? null,
    username: user?.username ?? unknownName(typedName, work.settings.SECRET_KEY),
    outcome,
    sessionId: null,
    client: work.client,
    occurredAtMs: nowMs,
  };
  logActivity(work, activity);
  const entry = await work.outbox.add(activity);
  deliverInBackground(work, [entry]);
  pushInBackground(work, [entry]);
}
