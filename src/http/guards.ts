import type { MiddlewareHandler } from 'hono';
import { ServiceError } from '../errors.ts';
import { signOutUnconfirmed } from '../session/end-sessions.ts';
import { noteSessionUse, resumeSession } from '../session/resume-session.ts';
import type { AuthorizedTokens } from '../session/session-store.ts';
import type { OfferedCredentials } from './credentials.ts';
import type { AppContext, AppEnv, SignedIn } from './context.ts';
import { requireOwnOrigin, withCsrfToken } from './csrf.ts';
import { safeNextUrl } from './next-url.ts';
import { pagePath, signInPath, type Page } from './page-path.ts';

/** Who sent this request. Null: definitely not a signed-in user. Throws `store_unavailable`. */
export async function currentSession(c: AppContext): Promise<SignedIn | null> {
  const { credentials } = c.get('request');
  if (credentials.status !== 'offered') return null;
  const check = await resumeSession(c.get('request'), credentials);
  return check.status === 'valid' ? check : null;
}

/** The address of the sign-in page that leads back here. A POST leads back to the page it belongs to. */
export function signInUrl(c: AppContext, backTo?: Page): string {
  const { url } = c.get('request');
  return `${signInPath(c)}?next=${encodeURIComponent(backTo === undefined ? url.pathname + url.search : pagePath(c, backTo))}`;
}

/** Where a visitor goes on: a safe `next`, else `otherwise`. */
export function nextOr(c: AppContext, next: string, otherwise: string): string {
  const { settings, url } = c.get('request');
  return safeNextUrl(next, url, settings.ALLOWED_REDIRECT_HOSTS) ?? otherwise;
}

/** For pages: lets signed-in users through and sends others to the sign-in page. Throws `store_unavailable`. */
export function requireSignIn(): MiddlewareHandler<AppEnv> {
  return async function requireSignIn(c, next) {
    const signedIn = await currentSession(c);
    if (signedIn === null) {
      c.set('outcome', 'not_signed_in');
      return c.redirect(signInUrl(c), 302);
    }
    c.set('signedIn', signedIn);
    return next();
  };
}

/** For the API: the open session of this request. Throws `not_signed_in` or `store_unavailable`. */
export async function requireOpenSession(c: AppContext): Promise<SignedIn> {
  const signedIn = await currentSession(c);
  if (signedIn === null) throw new ServiceError({ code: 'not_signed_in' });
  return signedIn;
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
export async function requireCredentialsAndCsrf(c: AppContext): Promise<AuthorizedTokens> {
  const credentials = requireCredentials(c);
  if (credentials.kind === 'cookie') requireOwnOrigin(c);
  const authorized = await authorize(c, credentials);
  if (authorized.tokenHashes.length === 0) throw new ServiceError({ code: 'csrf_failed' });
  return authorized;
}

/**
 * The tokens whose sessions this request may end. A cookie needs its CSRF token, but only if a session is open: otherwise
 * there is nothing to protect and nothing to end, and the result is empty. A bearer needs none.
 *
 * @throws `foreign_origin`; `csrf_failed` if a session is open; `store_unavailable`, with the sign-out unconfirmed
 */
export async function authorizeSignOut(c: AppContext): Promise<AuthorizedTokens> {
  const request = c.get('request');
  const { credentials } = request;
  if (credentials.status === 'missing' || credentials.kind === 'cookie') requireOwnOrigin(c);
  if (credentials.status !== 'offered') return { kind: 'cookie', tokenHashes: [], others: [] };
  const authorized = await authorize(c, credentials);
  if (authorized.tokenHashes.length > 0) return authorized;
  const check = await signOutUnconfirmed(() =>
    request.sessions.check(credentials, request.clock.nowMs(), { fromPrimary: true }),
  );
  noteSessionUse(request, check);
  if (check.status === 'valid' || check.usersInConflict !== undefined) {
    throw new ServiceError({ code: 'csrf_failed' });
  }
  return { ...authorized, others: [] };
}

async function authorize(
  c: AppContext,
  { kind, tokenHashes }: OfferedCredentials,
): Promise<AuthorizedTokens> {
  if (kind !== 'cookie') return { kind, tokenHashes, others: [] };
  const authorized = await withCsrfToken(c, tokenHashes);
  return { kind, tokenHashes: authorized, others: tokenHashes.filter((each) => !authorized.includes(each)) };
}
