import { RequestError } from '../errors.ts';
import { isForeignOrigin } from '../security/origin.ts';
import { sessionCookies } from '../session/cookies.ts';
import type { Session } from '../session/session.ts';
import type { Token, TokenHash } from '../session/token.ts';
import type { AppContext } from './request-context.ts';

/** Names of Django: its templates, scripts and clients go on working. */
export const CSRF_FIELD = 'csrfmiddlewaretoken';
export const CSRF_HEADER = 'X-CSRFToken';

/** Throws `foreign_origin` for a request that another site sent. */
export function requireOwnOrigin(c: AppContext): void {
  const { url, settings } = c.get('request');
  if (isForeignOrigin(c.req.raw.headers, url.origin, settings.CSRF_TRUSTED_ORIGINS)) {
    throw new RequestError({ code: 'foreign_origin' });
  }
}

/** Whether the request shows the CSRF token of its `csrftoken` cookie, given out for one of these sessions. */
export async function hasCsrfToken(c: AppContext, bindings: readonly (TokenHash | null)[]): Promise<boolean> {
  const { cookies, csrf } = c.get('request');
  if (cookies.csrf === null) return false;
  const submitted = c.req.header(CSRF_HEADER) ?? (await submittedField(c));
  return submitted !== null && csrf.verify(submitted, cookies.csrf, bindings);
}

/** Throws `foreign_origin` or `csrf_failed`. */
export async function requireCsrfToken(
  c: AppContext,
  bindings: readonly (TokenHash | null)[],
): Promise<void> {
  requireOwnOrigin(c);
  if (!(await hasCsrfToken(c, bindings))) throw new RequestError({ code: 'csrf_failed' });
}

async function submittedField(c: AppContext): Promise<string | null> {
  const type = c.req.header('Content-Type') ?? '';
  if (!/^(?:application\/x-www-form-urlencoded|multipart\/form-data)(?:;|$)/i.test(type)) return null;
  try {
    const field = (await c.req.parseBody())[CSRF_FIELD];
    return typeof field === 'string' ? field : null;
  } catch {
    throw new RequestError({ code: 'malformed_body' });
  }
}

/**
 * A token for a form on the page about to be answered. Keeps the cookie that the browser has if it is good for one
 * of these sessions, so that forms in other tabs stay valid, and sets a new one for the first of them otherwise.
 */
export function csrfTokenForForm(
  c: AppContext,
  bindings: readonly [TokenHash | null, ...(TokenHash | null)[]],
  session: Session | null = null,
): string {
  const { cookies, csrf } = c.get('request');
  if (cookies.csrf !== null) {
    for (const binding of bindings) {
      if (csrf.isCookieFor(cookies.csrf, binding)) return csrf.formToken(cookies.csrf);
    }
  }
  return csrf.formToken(setCsrfCookie(c, bindings[0], session));
}

/** Sets a new `csrftoken` for this session, with the life of the session's own cookie. Answers its value. */
export function setCsrfCookie(c: AppContext, binding: TokenHash | null, session: Session | null): string {
  const { csrf, settings, url, deps } = c.get('request');
  const value = csrf.newCookie(binding, session?.userId ?? null);
  c.header('Set-Cookie', sessionCookies(settings, url).csrf(value, cookieLife(session, deps.clock.nowMs())), {
    append: true,
  });
  return value;
}

/**
 * Sets both cookies of a session that began or was renewed. The CSRF cookie is another one than before, bound to
 * this session: what was known before is no good after it.
 */
export function setSessionCookies(
  c: AppContext,
  { token, tokenHash, session }: { token: Token; tokenHash: TokenHash; session: Session },
): void {
  const { settings, url, deps } = c.get('request');
  const life = cookieLife(session, deps.clock.nowMs());
  for (const cookie of sessionCookies(settings, url).session(token, life)) {
    c.header('Set-Cookie', cookie, { append: true });
  }
  setCsrfCookie(c, tokenHash, session);
}

/** Expires both cookies in the answer. */
export function expireCookies(c: AppContext): void {
  const { settings, url } = c.get('request');
  for (const cookie of sessionCookies(settings, url).expireAll())
    c.header('Set-Cookie', cookie, { append: true });
}

/** `Max-Age` in seconds of the cookies that go with a session; null: they end with the browser. */
function cookieLife(session: Session | null, nowMs: number): number | null {
  return session?.rememberMe === true ? Math.max(0, Math.ceil((session.expiresAtMs - nowMs) / 1000)) : null;
}
