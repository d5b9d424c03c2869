import type { LogoutReason } from '../activity/events.ts';
import { recordInBackground } from '../activity/record-activity.ts';
import { isStoreUnavailable, storeUnavailable } from '../errors.ts';
import { noteSessionUse } from './resume-session.ts';
import type {
  AuthorizedTokens,
  OfferedTokens,
  RecordedLogout,
  RevokeResult,
  RevokeScope,
} from './session-store.ts';
import { newOperation, type SessionWork } from './session-work.ts';

/**
 * Ends those of these tokens' sessions that are open, in one round trip; without tokens, none. The store learns whose they
 * are and destroys them in one step, as Django's `logout()` does: afterwards it could no longer be known.
 *
 * @throws `store_unavailable`, with `sign_out` unconfirmed: a session may still be open. Keep the cookie and say so.
 */
export async function endSessions(
  work: SessionWork,
  { kind, tokenHashes }: OfferedTokens,
  reason: LogoutReason,
): Promise<readonly RecordedLogout[]> {
  if (tokenHashes.length === 0) return [];
  const logouts = await signOutUnconfirmed(() =>
    work.sessions.end(tokenHashes, kind, reason, newOperation(work)),
  );
  recordInBackground(work, logouts);
  return logouts;
}

/**
 * Ends sessions of the user of these tokens, in one round trip. If their own session is among them, all cookies will
 * expire, so the sessions of the request's other tokens end too.
 *
 * @throws as `endSessions` does
 */
export async function revokeSessions(
  work: SessionWork,
  authorized: AuthorizedTokens,
  scope: RevokeScope,
  operation = newOperation(work),
): Promise<RevokeResult> {
  const result = await signOutUnconfirmed(() => work.sessions.revoke(authorized, scope, operation));
  if (result.status === 'invalid') noteSessionUse(work, result);
  if (result.status === 'revoked') recordInBackground(work, result.logouts);
  return result;
}

/** Whether a revocation ended the caller's own session: only that ends with these reasons. */
export const endedOwnSession = (logouts: readonly RecordedLogout[]): boolean =>
  logouts.some(({ activity }) => activity.reason === 'logout' || activity.reason === 'logout_all');

/** Marks an outage as one that leaves a sign-out in doubt. */
export async function signOutUnconfirmed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
    throw storeUnavailable(error.reason.store, error.reason.fault, 'sign_out');
  }
}
