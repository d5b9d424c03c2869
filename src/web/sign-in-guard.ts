import type { MiddlewareHandler } from 'hono';
import { resumeSession } from '../session/lifecycle.ts';
import type { SessionCheck } from '../session/session.ts';
import { hashToken, type TokenHash } from '../session/token.ts';
import type { AppContext, AppEnv, SignedIn } from './request-context.ts';

/** Who the request's cookie says it is; null: nobody, for certain. Throws `StoreUnavailableError`. */
export async function findSignedIn(c: AppContext): Promise<SignedIn | null> {
  const request = c.get('request');
  const token = request.cookies.tokens[0];
  if (token === undefined) return null;
  const tokenHash = hashToken(token);
  return toSignedIn(await resumeSession(request, { tokenHash, kind: 'cookie' }), tokenHash);
}

const toSignedIn = (check: SessionCheck, tokenHash: TokenHash): SignedIn | null =>
  check.status === 'valid' ? { session: check.session, tokenHash } : null;

/** The address of the sign-in page that leads back here. A POST leads back to the page it belongs to. */
export function signInUrl(c: AppContext, backTo?: string): string {
  const { settings, url } = c.get('request');
  return `${settings.LOGIN_URL}?next=${encodeURIComponent(backTo ?? url.pathname + url.search)}`;
}

/** Lets signed-in users through, one wait; sends the others to the sign-in page; says 503 when it cannot tell. */
export function requireSignIn(backTo?: string): MiddlewareHandler<AppEnv> {
  return async function requireSignIn(c, next) {
    const signedIn = await findSignedIn(c);
    if (signedIn === null) {
      c.set('outcome', 'not_signed_in');
      return c.redirect(signInUrl(c, backTo), 302);
    }
    c.set('signedIn', signedIn);
    return next();
  };
}
