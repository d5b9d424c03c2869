import { isLocalHttp } from '../lib/local-http.ts';
import type { Settings } from '../settings.ts';
import type { Token } from './token.ts';

/** Makes a browser known to the sign-in, for a year from each. */
export const DEVICE_COOKIE_NAME = 'device';
const DEVICE_COOKIE_AGE_SECONDS = 31_536_000;

/** Counts how often a signed-in browser is sent back to the same app, which notices a loop. */
export const RETURNS_COOKIE_NAME = 'returns';
export const RETURNS_COOKIE_AGE_SECONDS = 10;

/** Long enough for the next page to know that the visitor has just signed out. */
export const SIGNED_OUT_COOKIE_NAME = 'signedout';
const SIGNED_OUT_COOKIE_AGE_SECONDS = 1;

/** The settings that cookies depend on. */
export type CookieSettings = Pick<
  Settings,
  'SESSION_COOKIE_NAME' | 'CSRF_COOKIE_NAME' | 'SESSION_COOKIE_DOMAIN'
>;

interface CookieShape {
  readonly name: string;
  readonly isHttpOnly: boolean;
  /** Empty: host-only. */
  readonly domain: string;
  /** Where it is sent to; everywhere by default. */
  readonly path?: string;
}

// Grammar of Set-Cookie: RFC 6265 section 4.1.1. Our values need no quoting.
function setCookie(shape: CookieShape, url: URL, value: string, lifetime: string): string {
  // Browsers drop a __Host- or __Secure- cookie without Secure, on localhost too.
  const isSecure = !isLocalHttp(url) || /^__(?:Host|Secure)-/i.test(shape.name);
  return [
    `${shape.name}=${value}`,
    lifetime,
    shape.domain === '' ? '' : `Domain=${shape.domain}`,
    `Path=${shape.path ?? '/'}`,
    shape.isHttpOnly ? 'HttpOnly' : '',
    isSecure ? 'Secure' : '',
    'SameSite=Lax',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

// Max-Age for today's browsers, Expires for the oldest (RFC 6265 section 5.2.2: Max-Age has precedence).
const EXPIRED = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';

/** The cookies of this service, with the attributes that they are always set and expired with. */
export function sessionCookies(settings: CookieSettings, url: URL) {
  const session = {
    name: settings.SESSION_COOKIE_NAME,
    isHttpOnly: true,
    domain: settings.SESSION_COOKIE_DOMAIN,
  };
  const csrf = { name: settings.CSRF_COOKIE_NAME, isHttpOnly: false, domain: '' };
  // In spite of no-store, Chromium keeps pages for Back until an HttpOnly cookie is set; a deletion doesn't count (its
  // BackForwardCache for no-store pages). This one is set for that alone, for a second: a deletion beside it would leave
  // it in the jar of Python's requests. Within it, our pages say that the visitor is signed out.
  const signedOut = { name: SIGNED_OUT_COOKIE_NAME, isHttpOnly: true, domain: '' };
  // Once a domain is configured, browsers may still hold the host-only cookie from before, and send both.
  const hostOnlyDuplicate =
    session.domain === '' ? [] : [setCookie({ ...session, domain: '' }, url, '', EXPIRED)];
  const lifetime = (maxAgeSeconds: number | null): string =>
    maxAgeSeconds === null ? '' : `Max-Age=${maxAgeSeconds}`;

  return {
    /** `maxAgeSeconds` null: until the browser is closed. */
    session: (token: Token, maxAgeSeconds: number | null): string[] => [
      ...hostOnlyDuplicate,
      setCookie(session, url, token, lifetime(maxAgeSeconds)),
    ],
    csrf: (value: string, maxAgeSeconds: number | null): string =>
      setCookie(csrf, url, value, lifetime(maxAgeSeconds)),
    /** No sign-out expires it. */
    device: (deviceToken: string): string =>
      setCookie(
        { name: DEVICE_COOKIE_NAME, isHttpOnly: true, domain: '' },
        url,
        deviceToken,
        lifetime(DEVICE_COOKIE_AGE_SECONDS),
      ),
    returns: (value: string, path: string): string =>
      setCookie(
        { name: RETURNS_COOKIE_NAME, isHttpOnly: true, domain: '', path },
        url,
        value,
        lifetime(RETURNS_COOKIE_AGE_SECONDS),
      ),
    /**
     * Expires both, and makes the browser forget the pages that it keeps for Back. The session's cookie comes last: of
     * several deletions in one response, curl 7.88 writes only the last one to its jar.
     */
    expireAll: (): string[] => [
      setCookie(signedOut, url, '1', lifetime(SIGNED_OUT_COOKIE_AGE_SECONDS)),
      setCookie(csrf, url, '', EXPIRED),
      ...hostOnlyDuplicate,
      setCookie(session, url, '', EXPIRED),
    ],
  };
}

/** All values that a request sends for a cookie, in order: for duplicates, a browser sends the name twice. */
export function readCookieValues(header: string | null, name: string): string[] {
  if (header === null) return [];
  return header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) return [];
    return [pair.slice(at + 1).trim()];
  });
}
