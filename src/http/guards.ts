import type { MiddlewareHandler } from 'hono';
import { ServiceError } from '../errors.ts';
import { signOutUnconfirmed, type OfferedTokens } from '../session/end-sessions.ts';
import { resumeSession } from '../session/resume-session.ts';
import type { Session } from '../session/session.ts';
import { firstCredential, type OfferedCredentials } from './credentials.ts';
import type { AppContext, AppEnv, SignedIn } from './context.ts';
import { hasCsrfToken, requireCsrfToken, requireOwnOrigin } from './csrf.ts';

/** Who sent this request. Null: definitely not a signed-in user. Throws `store_unavailable`. */
export async function currentSession(c: AppContext): Promise<SignedIn | null> {
  const credential = firstCredential(c.get('request').credentials);
  if (credential === null) return null;
  const check = await resumeSession(c.get('request'), credential);
  return check.status === 'valid' ? { session: check.session, tokenHash: credential.tokenHash } : null;
}

/** The address of the sign-in page that leads back here. A POST leads back to the page it belongs to. */
export function signInUrl(c: AppContext, backTo?: string): string {
  const { settings, url } = c.get('request');
  return `${settings.LOGIN_URL}?next=${encodeURIComponent(backTo ?? url.pathname + url.search)}`;
}

/** For pages: lets signed-in users through and sends others to the sign-in page. Throws `store_unavailable`. */
export function requireSignIn(backTo?: string): MiddlewareHandler<AppEnv> {
  return async function requireSignIn(c, next) {
    const signedIn = await currentSession(c);
    if (signedIn === null) {
      c.set('outcome', 'not_signed_in');
      return c.redirect(signInUrl(c, backTo), 302);
    }
    c.set('signedIn', signedIn);
    return next();
  };
}

/** For the API: the open session of this request. Throws `not_signed_in` or `store_unavailable`. */
export async function requireOpenSession(c: AppContext): Promise<Session> {
  const signedIn = await currentSession(c);
  if (signedIn === null) throw new ServiceError({ code: 'not_signed_in' });
  return signedIn.session;
}

/**
 * For the API: credentials, of which the store says in the same command that does the work whether they are an open
 * session. Throws `not_signed_in` if there are none.
 */
export function requireCredentials(c: AppContext): OfferedCredentials {
  const { credentials } = c.get('request');
  if (credentials.status !== 'offered') throw new ServiceError({ code: 'not_signed_in' });
  return credentials;
}

/**
 * The same for a request that changes something: a cookie needs its CSRF token, because browsers send it by themselves; a
 * bearer doesn't. Throws `not_signed_in`, `foreign_origin` or `csrf_failed`.
 */
export async function requireCredentialsAndCsrf(c: AppContext): Promise<OfferedCredentials> {
  const credentials = requireCredentials(c);
  if (credentials.kind === 'cookie') await requireCsrfToken(c, [credentials.tokenHashes[0]]);
  return credentials;
}

/**
 * The sessions that this request may end: those of all its cookies, or of the first one, which counts. A cookie needs its
 * CSRF token, but only if its session is open: otherwise there is nothing to protect and nothing to end, and the result is
 * empty. A bearer needs none.
 *
 * @throws `foreign_origin`; `csrf_failed` if the session is open; `store_unavailable`, with the sign-out unconfirmed
 */
export async function authorizeSignOut(c: AppContext, cookies: 'all' | 'first'): Promise<OfferedTokens> {
  const request = c.get('request');
  const { credentials } = request;
  if (credentials.status === 'missing' || credentials.kind === 'cookie') requireOwnOrigin(c);
  if (credentials.status !== 'offered') return { kind: 'cookie', tokenHashes: [] };
  const { kind } = credentials;
  const tokenHashes = cookies === 'all' ? credentials.tokenHashes : credentials.tokenHashes.slice(0, 1);
  if (kind !== 'cookie' || (await hasCsrfToken(c, tokenHashes))) return { kind, tokenHashes };
  for (const tokenHash of tokenHashes) {
    const check = await signOutUnconfirmed(() => resumeSession(request, { kind, tokenHash }));
    if (check.status === 'valid') throw new ServiceError({ code: 'csrf_failed' });
  }
  return { kind, tokenHashes: [] };
}
