import { readCookieValues, type CookieSettings } from '../session/cookies.ts';
import type { OfferedTokens } from '../session/end-sessions.ts';
import type { Credential } from '../session/session-store.ts';
import { hashToken, parseToken } from '../session/token.ts';

/** At most this many session cookies of a request are looked at; a browser sends one, or two of the same name. */
export const SESSION_COOKIES_MAX = 4;

/** What a request offers as proof of who sent it. Hashed already: nothing below this file sees a token. */
export type Credentials =
  | { readonly status: 'missing' }
  /** Offered, but never issued, by its form. */
  | { readonly status: 'malformed'; readonly kind: Credential['kind'] }
  | OfferedCredentials;

export interface OfferedCredentials extends OfferedTokens {
  readonly status: 'offered';
  /** Different ones, in the order sent. The first one counts; sign-out ends them all. */
  readonly tokenHashes: readonly [Credential['tokenHash'], ...Credential['tokenHash'][]];
}

/**
 * Reads the bearer of a request, which beats its cookies even if it is malformed, or else its session cookies. Another
 * scheme is no credential of ours: a site behind HTTP Basic has both.
 */
export function readCredentials(headers: Headers, settings: CookieSettings): Credentials {
  // RFC 6750 section 2.1; the scheme's case doesn't matter (RFC 9110 section 11.1).
  const authorization = (headers.get('Authorization') ?? '').trim();
  if (!/^Bearer(?![\w!#$%&'*+.^`|~-])/i.test(authorization)) return readSessionCookies(headers, settings);
  return offer('bearer', [/^Bearer +(.*)$/i.exec(authorization)?.[1] ?? '']);
}

/** Reads the session cookies alone, as pages do: no browser sends a bearer by itself. */
export function readSessionCookies(headers: Headers, settings: CookieSettings): Credentials {
  const values = readCookieValues(headers.get('Cookie'), settings.SESSION_COOKIE_NAME);
  return offer(
    'cookie',
    values.filter((value) => value !== ''),
  );
}

/** A bare token, which doesn't say through which channel it came; the caller knows. */
export const readBareToken = (token: string): Credentials => offer('either', token === '' ? [] : [token]);

function offer(kind: Credential['kind'], values: readonly string[]): Credentials {
  if (values.length === 0) return { status: 'missing' };
  const tokens = new Set(values.flatMap((value) => parseToken(value) ?? []));
  const [first, ...more] = [...tokens].slice(0, SESSION_COOKIES_MAX).map(hashToken);
  if (first === undefined) return { status: 'malformed', kind };
  return { status: 'offered', kind, tokenHashes: [first, ...more] };
}

/** The credential that counts; null if there is none that could be. */
export function firstCredential(credentials: Credentials): Credential | null {
  if (credentials.status !== 'offered') return null;
  return { kind: credentials.kind, tokenHash: credentials.tokenHashes[0] };
}
