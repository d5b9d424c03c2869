import { findRenewedSession, type ChangingSession } from '../auth/change-password.ts';
import type { TokenHash } from '../session/token.ts';
import type { AppContext } from './context.ts';
import { currentSession } from './guards.ts';

/** Who may change a password with this request, and the token that says so. */
export interface Changing {
  readonly session: ChangingSession;
  readonly tokenHash: TokenHash;
}

/**
 * The open session of this request, or the one that a copy of it renewed just now: of these tokens, by default all that it
 * sent. Null: neither. Throws `store_unavailable`.
 */
export async function findChangingSession(
  c: AppContext,
  authorized?: readonly TokenHash[],
): Promise<Changing | null> {
  const signedIn = await currentSession(c);
  if (signedIn !== null) {
    c.set('signedIn', signedIn);
    return signedIn;
  }
  const { credentials } = c.get('request');
  if (credentials.status !== 'offered') return null;
  const { kind } = credentials;
  const renewed = await Promise.all(
    (authorized ?? credentials.tokenHashes).map(async (tokenHash) => {
      const session = await findRenewedSession(c.get('request'), { kind, tokenHash });
      return session === null ? null : { session, tokenHash };
    }),
  );
  return renewed.find((each) => each !== null) ?? null;
}
