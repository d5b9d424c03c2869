import type { Settings } from '../settings.ts';
import { parseToken, type Token } from './token.ts';

/** Longest list of different session cookies that one request can end; a browser sends one or two. */
export const SESSION_COOKIES_MAX = 4;

/** The settings that cookies depend on. */
export type CookieSettings = Pick<
  Settings,
  'SESSION_COOKIE_NAME' | 'CSRF_COOKIE_NAME' | 'SESSION_COOKIE_DOMAIN'
>;

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Plain http is for this machine alone. */
export const isLocalHttp = (url: URL): boolean => url.protocol === 'http:' && LOCAL_HOSTS.has(url.hostname);

interface CookieShape {
  readonly name: string;
  readonly isHttpOnly: boolean;
  /** Empty: host-only. */
  readonly domain: string;
}

// Grammar of Set-Cookie: RFC 6265 section 4.1.1. Our values are base64url and dots, which need no quoting.
function setCookie(shape: CookieShape, url: URL, value: string, life: string): string {
  // A __Host- or __Secure- cookie without Secure is dropped by browsers, on localhost too.
  const isSecure = !isLocalHttp(url) || /^__(?:Host|Secure)-/i.test(shape.name);
  return [
    `${shape.name}=${value}`,
    life,
    shape.domain === '' ? '' : `Domain=${shape.domain}`,
    'Path=/',
    shape.isHttpOnly ? 'HttpOnly' : '',
    isSecure ? 'Secure' : '',
    'SameSite=Lax',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

// Max-Age for today's browsers, Expires for the oldest (RFC 6265 section 5.2.2: Max-Age has precedence).
const EXPIRED = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';

/** The two cookies of this service, with the attributes that they are always set and expired with. */
export function sessionCookies(settings: CookieSettings, url: URL) {
  const session = {
    name: settings.SESSION_COOKIE_NAME,
    isHttpOnly: true,
    domain: settings.SESSION_COOKIE_DOMAIN,
  };
  const csrf = { name: settings.CSRF_COOKIE_NAME, isHttpOnly: false, domain: '' };
  // Chromium keeps pages for Back in spite of no-store until an HttpOnly cookie is set; a deletion does not count
  // (its BackForwardCache for no-store pages). This one is set and deleted in the same answer, for that alone.
  const signedOut = { name: 'signedout', isHttpOnly: true, domain: '' };
  // After a domain was configured, browsers may still hold the host-only cookie of before, and send both.
  const hostOnlyTwin = session.domain === '' ? [] : [setCookie({ ...session, domain: '' }, url, '', EXPIRED)];
  const life = (maxAgeSeconds: number | null): string =>
    maxAgeSeconds === null ? '' : `Max-Age=${maxAgeSeconds}`;

  return {
    /** `maxAgeSeconds` null: until the browser is closed. */
    session: (token: Token, maxAgeSeconds: number | null): string[] => [
      ...hostOnlyTwin,
      setCookie(session, url, token, life(maxAgeSeconds)),
    ],
    csrf: (value: string, maxAgeSeconds: number | null): string =>
      setCookie(csrf, url, value, life(maxAgeSeconds)),
    /** Expires both, and makes the browser forget the pages that it keeps for Back. */
    expireAll: (): string[] => [
      setCookie(signedOut, url, '1', ''),
      setCookie(signedOut, url, '', EXPIRED),
      ...hostOnlyTwin,
      setCookie(session, url, '', EXPIRED),
      setCookie(csrf, url, '', EXPIRED),
    ],
  };
}

/** All values that a request gives for a cookie, in order: with twins, a browser sends the name twice. */
export function readCookieValues(header: string | null, name: string): string[] {
  if (header === null) return [];
  return header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) return [];
    return [pair.slice(at + 1).trim()];
  });
}

/** What a request's cookies say of a session. */
export interface PresentedCookies {
  /** Whether there is a session cookie at all, readable or not. */
  readonly isPresent: boolean;
  /** Different well-formed tokens, in the order sent; the first one counts, sign-out ends them all. */
  readonly tokens: readonly Token[];
  readonly csrf: string | null;
}

export function readPresentedCookies(header: string | null, settings: CookieSettings): PresentedCookies {
  const values = readCookieValues(header, settings.SESSION_COOKIE_NAME);
  const tokens = values.flatMap((value) => parseToken(value) ?? []);
  return {
    isPresent: values.some((value) => value !== ''),
    tokens: [...new Set(tokens)].slice(0, SESSION_COOKIES_MAX),
    csrf: readCookieValues(header, settings.CSRF_COOKIE_NAME)[0] ?? null,
  };
}
