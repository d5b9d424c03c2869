import { findRenewedSession, type ChangingSession } from '../auth/change-password.ts';
import type { TokenHash } from '../session/token.ts';
import type { AppContext } from './context.ts';
import { firstCredential } from './credentials.ts';
import { currentSession } from './guards.ts';

/** Who may change a password with this request, and the token that says so. */
export interface Changing {
  readonly session: ChangingSession;
  readonly tokenHash: TokenHash;
}

/**
 * The open session of this request, or the one that a copy of it renewed just now. Null: neither. Throws
 * `store_unavailable`.
 */
export async function findChangingSession(c: AppContext): Promise<Changing | null> {
  const signedIn = await currentSession(c);
  if (signedIn !== null) {
    c.set('signedIn', signedIn);
    return signedIn;
  }
  const credential = firstCredential(c.get('request').credentials);
  if (credential === null) return null;
  const session = await findRenewedSession(c.get('request'), credential);
  return session === null ? null : { session, tokenHash: credential.tokenHash };
}
