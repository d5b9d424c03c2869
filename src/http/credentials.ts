import type { ActivityWork } from '../activity/record-activity.ts';
import { readCookieValues, type CookieSettings } from '../session/cookies.ts';
import type { OfferedTokens } from '../session/session-store.ts';
import { hashToken, parseToken } from '../session/token.ts';

/** At most this many cookies of one name are looked at; a browser sends one, or two if a sibling site set one as well. */
export const COOKIES_MAX = 4;

/** What a request offers as proof of who sent it. Hashed already: nothing below this file sees a token. */
export type Credentials =
  | { readonly status: 'missing' }
  /** Offered, but never issued, by its form. */
  | { readonly status: 'malformed'; readonly kind: OfferedTokens['kind'] }
  | OfferedCredentials;

export interface OfferedCredentials extends OfferedTokens {
  readonly status: 'offered';
  /** How many more cookies of our name came. */
  readonly ignoredCount: number;
}

/** The token of a bearer; empty if it is malformed. Null: another scheme, or none. */
export function bearerOf(authorization: string | null | undefined): string | null {
  // RFC 6750 section 2.1; the scheme's case doesn't matter (RFC 9110 section 11.1).
  const text = (authorization ?? '').trim();
  if (!/^Bearer(?![\w!#$%&'*+.^`|~-])/i.test(text)) return null;
  return /^Bearer +(.*)$/i.exec(text)?.[1] ?? '';
}

/**
 * Reads the bearer of a request, which beats its cookies even if it is malformed, or else its session cookies. Another
 * scheme is no credential of ours: a site behind HTTP Basic has both.
 */
export function readCredentials(headers: Headers, settings: CookieSettings): Credentials {
  const bearer = bearerOf(headers.get('Authorization'));
  return bearer === null ? readSessionCookies(headers, settings) : offer('bearer', [bearer]);
}

/** Reads the session cookies alone, as pages do: no browser sends a bearer by itself. */
export function readSessionCookies(headers: Headers, settings: CookieSettings): Credentials {
  const values = readCookieValues(headers.get('Cookie'), settings.SESSION_COOKIE_NAME);
  return offer(
    'cookie',
    values.filter((value) => value !== ''),
  );
}

/** A site that sets this many cookies of our name for a parent domain may be trying to sign people out. */
export function logIgnoredCookies({ log, requestId }: ActivityWork, credentials: Credentials): void {
  if (credentials.status !== 'offered' || credentials.ignoredCount === 0) return;
  log.event('session_cookies_ignored', { request_id: requestId, count: credentials.ignoredCount });
}

/** A bare token, which doesn't say through which channel it came; the caller knows. */
export const readBareToken = (token: string): Credentials => offer('either', token === '' ? [] : [token]);

function offer(kind: OfferedTokens['kind'], values: readonly string[]): Credentials {
  if (values.length === 0) return { status: 'missing' };
  const tokens = [...new Set(values.flatMap((value) => parseToken(value) ?? []))];
  if (tokens.length === 0) return { status: 'malformed', kind };
  const considered = tokens.slice(0, COOKIES_MAX);
  const ignoredCount = tokens.length - considered.length;
  return { status: 'offered', kind, tokenHashes: considered.map(hashToken), ignoredCount };
}
