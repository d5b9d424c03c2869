import { ServiceError, type Reason } from '../errors.ts';
import { sessionCookies } from '../session/cookies.ts';
import type { Session } from '../session/session.ts';
import type { TokenHash } from '../session/token.ts';
import type { AppContext } from './context.ts';
import { readForm } from './form-body.ts';
import { isForeignOrigin } from './origin.ts';

// Django's names: its templates, scripts and clients go on working.
export const CSRF_FIELD = 'csrfmiddlewaretoken';
export const CSRF_HEADER = 'X-CSRFToken';

/** Throws `foreign_origin` for a request that another site sent. */
export function requireOwnOrigin(c: AppContext): void {
  const { url, settings } = c.get('request');
  if (isForeignOrigin(c.req.raw.headers, url.origin, settings.CSRF_TRUSTED_ORIGINS)) {
    throw new ServiceError({ code: 'foreign_origin' });
  }
}

/** Those of these sessions for which the request has the token of one of its CSRF cookies. Null: an anonymous visitor. */
export async function withCsrfToken<Binding extends TokenHash | null>(
  c: AppContext,
  bindings: readonly Binding[],
): Promise<Binding[]> {
  const { csrfCookies, csrf } = c.get('request');
  if (csrfCookies.length === 0) return [];
  // An empty header is none, as some scripts send it without a token: the form's field decides.
  const submitted = c.req.header(CSRF_HEADER) || (await submittedField(c));
  if (submitted === null) return [];
  return bindings.filter((binding) =>
    csrfCookies.some((cookie) => csrf.verify(submitted, cookie, [binding])),
  );
}

/** Why a page refuses a request without its token. The page goes on with a fresh one. */
export function csrfRefusal(c: AppContext): Reason {
  const { csrfCookies, credentials } = c.get('request');
  return { code: 'csrf_failed', noCookie: csrfCookies.length === 0 && credentials.status === 'missing' };
}

/** Whether the request has the token of one of its CSRF cookies, issued for one of these sessions. */
export const hasCsrfToken = async (
  c: AppContext,
  bindings: readonly (TokenHash | null)[],
): Promise<boolean> => (await withCsrfToken(c, bindings)).length > 0;

async function submittedField(c: AppContext): Promise<string | null> {
  const field = (await readForm(c))[CSRF_FIELD];
  return typeof field === 'string' ? field : null;
}

/** The first CSRF cookie that was issued for one of these sessions. Null: none was. */
export function findCsrfCookie(c: AppContext, bindings: readonly (TokenHash | null)[]): string | null {
  const { csrfCookies, csrf } = c.get('request');
  return csrfCookies.find((cookie) => bindings.some((each) => csrf.isCookieFor(cookie, each))) ?? null;
}

/**
 * A token for a form on the page about to be sent. It keeps a CSRF cookie that is valid for one of these sessions, so that
 * forms in other tabs stay valid; otherwise it sets a new one for the first of them.
 */
export function csrfTokenForForm(
  c: AppContext,
  bindings: readonly [TokenHash | null, ...(TokenHash | null)[]],
  session: Session | null = null,
): string {
  const { csrf } = c.get('request');
  const valid = findCsrfCookie(c, bindings);
  return valid === null ? newCsrfTokenForForm(c, bindings[0], session) : csrf.formToken(valid);
}

/** The same with a new CSRF cookie in any case. */
export function newCsrfTokenForForm(
  c: AppContext,
  binding: TokenHash | null,
  session: Session | null = null,
): string {
  return c.get('request').csrf.formToken(setCsrfCookie(c, binding, session));
}

/** Sets a new CSRF cookie for this session, with the lifetime of the session's own cookie. Returns its value. */
export function setCsrfCookie(c: AppContext, binding: TokenHash | null, session: Session | null): string {
  const { csrf, settings, url, clock } = c.get('request');
  const value = csrf.newCookie(binding, session?.userId ?? null);
  const cookie = sessionCookies(settings, url).csrf(value, cookieMaxAgeSeconds(session, clock.nowMs()));
  c.header('Set-Cookie', cookie, { append: true });
  return value;
}

/** `Max-Age` of a session's cookies. Null: they last until the browser is closed. */
export function cookieMaxAgeSeconds(session: Session | null, nowMs: number): number | null {
  return session?.rememberMe === true ? Math.max(0, Math.ceil((session.expiresAtMs - nowMs) / 1000)) : null;
}
