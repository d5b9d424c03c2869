import { base64Url, equalInConstantTime, randomBytes, sha256, shortMac } from '../lib/hash.ts';
import type { UserId } from '../lib/ids.ts';
import type { TokenHash } from '../session/token.ts';

/**
 * CSRF tokens without a store: a signed double-submit cookie (OWASP, Cross-Site Request Forgery Prevention).
 *
 * The cookie is `nonce.user.mac`. The MAC covers the nonce, the user's id (empty for an anonymous visitor) and the session
 * or its absence, so a planted cookie, or one from before the sign-in, is invalid here. A form's token is
 * `salt.mac` over the whole cookie: another one in every page, so that compression reveals nothing (BREACH). In the
 * header, the cookie's own value works too, as with Django.
 */
export interface CsrfTokens {
  /** A cookie's value for this session; null: for an anonymous visitor. */
  newCookie(binding: TokenHash | null, userId: UserId | null): string;
  /**
   * The user a cookie was issued to with this session; null if it wasn't. It doesn't say whether that session is still
   * open, but lets a page ask MySQL about the user while it asks Redis about the session.
   */
  userOf(cookie: string | null, binding: TokenHash): UserId | null;
  /** Whether this service issued the cookie for this session. */
  isCookieFor(cookie: string, binding: TokenHash | null): boolean;
  /** A name for the forms that go with this cookie, which reveals nothing of it. */
  formName(cookie: string): string;
  /** A token for a form on a page that goes with this cookie. */
  formToken(cookie: string): string;
  /** Whether a submitted token belongs to this cookie, and the cookie to one of these sessions. */
  verify(submitted: string, cookie: string, bindings: readonly (TokenHash | null)[]): boolean;
}

const NONCE_BYTES = 16;
const SALT_BYTES = 8;

// base64url of 16 and of 8 bytes are 22 and 11 characters; a user's id is an unsigned 64-bit number.
const COOKIE_PATTERN = /^[A-Za-z0-9_-]{22}\.(?:\d{1,20})?\.[A-Za-z0-9_-]{22}$/;
const FORM_TOKEN_PATTERN = /^[A-Za-z0-9_-]{11}\.[A-Za-z0-9_-]{22}$/;

/** `keys[0]` signs; the others are older ones that are still accepted. */
export function csrfTokens(keys: readonly [string, ...string[]]): CsrfTokens {
  const isMacOf = (submitted: string, text: string): boolean =>
    keys.some((key) => equalInConstantTime(submitted, shortMac(key, text)));
  // The labels keep a MAC made for one purpose from being valid for the other.
  const cookieText = (nonce: string, userId: string, binding: TokenHash | null): string =>
    `csrf-cookie\n${nonce}\n${userId}\n${binding ?? ''}`;
  const formText = (salt: string, cookie: string): string => `csrf-form\n${salt}\n${cookie}`;

  const self: CsrfTokens = {
    newCookie(binding, userId) {
      const nonce = base64Url(randomBytes(NONCE_BYTES));
      const user = userId ?? '';
      return `${nonce}.${user}.${shortMac(keys[0], cookieText(nonce, user, binding))}`;
    },

    isCookieFor(cookie, binding) {
      if (!COOKIE_PATTERN.test(cookie)) return false;
      const [nonce = '', user = '', signature = ''] = cookie.split('.');
      return isMacOf(signature, cookieText(nonce, user, binding));
    },

    userOf(cookie, binding) {
      if (cookie === null || !self.isCookieFor(cookie, binding)) return null;
      const user = cookie.split('.')[1];
      return user === undefined || user === '' ? null : (user as UserId);
    },

    formName: (cookie) => base64Url(sha256(cookie.split('.')[0] ?? '')),

    formToken(cookie) {
      const salt = base64Url(randomBytes(SALT_BYTES));
      return `${salt}.${shortMac(keys[0], formText(salt, cookie))}`;
    },

    verify(submitted, cookie, bindings) {
      if (!COOKIE_PATTERN.test(cookie)) return false;
      let belongs = equalInConstantTime(submitted, cookie);
      if (!belongs && FORM_TOKEN_PATTERN.test(submitted)) {
        const [salt = '', signature = ''] = submitted.split('.');
        belongs = isMacOf(signature, formText(salt, cookie));
      }
      return belongs && bindings.some((binding) => self.isCookieFor(cookie, binding));
    },
  };
  return self;
}
