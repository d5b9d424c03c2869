import { characterCount } from '../lib/text.ts';

/** Longest `next`, in characters. */
export const NEXT_MAX_CHARACTERS = 2000;

// C0 controls, space and DEL (RFC 3986 knows none of them in a URL) and the backslash, which browsers read as "/".
const FORBIDDEN_CHARACTERS = /[\u0000-\u0020\u007f-\u009f\\]/;

/**
 * Reads where to go after signing in or out. Null: not definitely a place on this host or an allowed one; the caller uses its
 * default. The result is ASCII as a URL serializer writes it, so nothing in it can end a header.
 *
 * The decision is made on the address as a browser parses it (WHATWG URL), never on the text, and what is returned is
 * what was parsed. Protects against: `//evil`, `/\evil`, `https:evil`, `/..//evil`, `javascript:`, user info,
 * tabs and newlines inside the scheme (OWASP, Unvalidated Redirects and Forwards).
 */
export function safeNextUrl(
  next: string | null | undefined,
  requestUrl: URL,
  allowedHosts: readonly string[],
): string | null {
  if (next === null || next === undefined || next === '') return null;
  if (characterCount(next) > NEXT_MAX_CHARACTERS) return null;
  if (FORBIDDEN_CHARACTERS.test(next) || !next.isWellFormed()) return null;
  const isPath = next.startsWith('/');
  if (!isPath && !/^https?:\/\//i.test(next)) return null;
  if (!URL.canParse(next, requestUrl)) return null;
  const url = new URL(next, requestUrl);
  if (url.username !== '' || url.password !== '') return null;
  // A path that begins with two slashes would be a host if it were resolved once more.
  if (url.pathname.startsWith('//')) return null;
  if (url.origin === requestUrl.origin) {
    if (next.startsWith('//')) return null;
    return url.pathname + url.search + url.hash;
  }
  if (isPath || !allowedHosts.includes(url.host)) return null;
  if (requestUrl.protocol === 'https:' && url.protocol !== 'https:') return null;
  return url.href;
}
