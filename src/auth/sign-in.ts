import type { Reason } from '../errors.ts';
import { startNewSessionFor, type NewSession, type StartedSession } from '../session/start-session.ts';
import { StoreTrace } from '../store/store-trace.ts';
import { checkPassword, clearCounter, recordFailure, releaseOnError } from './check-password.ts';
import type { AuthWork } from './auth-work.ts';
import { findDevice, issueDeviceToken } from './device-token.ts';
import { hashPassword, rehashRounds } from './password.ts';
import { SHIELD_RETRY_AFTER_SECONDS } from './shield.ts';
import type { User } from './user-store.ts';

export interface UsernameAndPassword {
  readonly username: string;
  readonly password: string;
  /** The request's device tokens, of any user. */
  readonly deviceTokens: readonly string[];
}

export type SignInResult =
  /** `deviceToken` makes this device known to the name's next sign-in. */
  | ({ readonly status: 'signed_in'; readonly deviceToken: string } & StartedSession)
  /** `bad_credentials` (unknown name, wrong password or inactive user: the client doesn't learn which) or `throttled`. */
  | { readonly status: 'refused'; readonly reason: Reason };

/**
 * Signs a user in, through either channel: two round trips with one bcrypt between them. First the attempt is counted and
 * the user looked up; then the session is started and the counter cleared, or the failure recorded. `bad_credentials` comes
 * no earlier than REFUSAL_FLOOR_MS after the call, so that a slower hash doesn't show that its user exists.
 *
 * @throws `store_unavailable` or `overloaded`: no client got a session, and the attempt is given back
 */
export async function signIn(
  work: AuthWork,
  { username, password, deviceTokens }: UsernameAndPassword,
  wanted: Omit<NewSession, 'checkedFromMs'>,
): Promise<SignInResult> {
  const checkedFromMs = work.clock.nowMs();
  if (!(await work.shield.admit(work.client.ipAddress))) {
    return refused({ code: 'throttled', retryAfterSeconds: SHIELD_RETRY_AFTER_SECONDS });
  }
  const { REFUSAL_FLOOR_MS } = work.settings;
  // Started before the work that it hides, as time stands still while CPU runs.
  const floor = REFUSAL_FLOOR_MS === 0 ? null : work.clock.sleep(REFUSAL_FLOOR_MS);
  const deviceId = findDevice(deviceTokens, username, work.settings);
  const source =
    deviceId === null ? ({ kind: 'stranger' } as const) : ({ kind: 'device', deviceId } as const);
  const checked = await checkPassword(
    work,
    username,
    () => [password],
    source,
    () => work.users.findByUsername(username),
  );
  switch (checked.status) {
    case 'throttled':
      if (checked.firstInWindow) await recordFailure(work, username, checked.user, 'throttled');
      return refused({ code: 'throttled', retryAfterSeconds: checked.retryAfterSeconds });
    case 'refused': {
      const { user, attempt, isInactive } = checked;
      await releaseOnError(work, attempt, () =>
        recordFailure(work, username, user, isInactive ? 'inactive' : 'bad_credentials'),
      );
      await floor;
      return refused({ code: 'bad_credentials' });
    }
    case 'matches': {
      const { user, attempt } = checked;
      const [started] = await releaseOnError(work, attempt, () =>
        Promise.all([
          startNewSessionFor(work, user, { ...wanted, checkedFromMs }),
          clearCounter(work, attempt),
        ]),
      );
      rehashInBackground(work, user, password);
      const deviceToken = issueDeviceToken(user.username, deviceId, work.settings);
      return { status: 'signed_in', deviceToken, ...started };
    }
  }
}

const refused = (reason: Reason): SignInResult => ({ status: 'refused', reason });

/** Only now is the password known in plain text: the moment to bring an old hash to today's format or a higher cost. */
function rehashInBackground(work: AuthWork, user: User, password: string): void {
  const { BCRYPT_ROUNDS } = work.settings;
  const rounds = rehashRounds(user.passwordHash, password, BCRYPT_ROUNDS);
  if (rounds === null) return;
  work.inBackground('rehash_password', async ({ users }) => {
    await work.cpuSlots.take(new StoreTrace());
    const newHash = await hashPassword(password, rounds);
    const isReplaced = await users.replacePasswordHash(user.id, user.passwordHash, newHash);
    if (isReplaced) work.log.event('password_rehashed', { user_id: user.id });
  });
}
