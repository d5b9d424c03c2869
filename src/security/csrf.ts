import { equalInConstantTime } from './constant-time.ts';
import { base64Url, type TokenHash, type UserId } from '../session/token.ts';

/**
 * CSRF tokens without a store: a signed double-submit cookie (OWASP, Cross-Site Request Forgery Prevention).
 *
 * The cookie is `nonce.user.mac`, where the mac covers the nonce, the user's id (empty for nobody) and the session
 * (or its absence), so that a cookie planted by somebody else, or left from before the sign-in, is no good here. A form's token is `salt.mac` over
 * the whole cookie: another one in every page, so that compression tells nothing about it (BREACH). In the header
 * the cookie's own value does as well, as with Django.
 */
export interface CsrfTokens {
  /** A cookie's value for this session; null: for nobody signed in. */
  newCookie(binding: TokenHash | null, userId: UserId | null): Promise<string>;
  /**
   * Whose session the cookie was given out with; null: it was not, or not with this one. Says nothing of whether
   * that session is still open, but lets a page ask MySQL about its user while it asks Redis about the session.
   */
  userOf(cookie: string | null, binding: TokenHash): Promise<UserId | null>;
  /** Whether that cookie was given out by this service for this session. */
  isCookieFor(cookie: string, binding: TokenHash | null): Promise<boolean>;
  /** A token for a form on a page that goes with this cookie. */
  formToken(cookie: string): Promise<string>;
  /** Whether a submitted token belongs to this cookie, and the cookie to one of these sessions. */
  verify(submitted: string, cookie: string, bindings: readonly (TokenHash | null)[]): Promise<boolean>;
}

const NONCE_BYTES = 16;
const SALT_BYTES = 8;
/** HMAC-SHA256 cut to 128 bits (RFC 2104 section 5 allows down to half). */
const MAC_BYTES = 16;

// base64url of 16 and of 8 bytes are 22 and 11 characters; a user's id is an unsigned 64-bit number.
const COOKIE_PATTERN = /^[A-Za-z0-9_-]{22}\.(?:\d{1,20})?\.[A-Za-z0-9_-]{22}$/;
const FORM_TOKEN_PATTERN = /^[A-Za-z0-9_-]{11}\.[A-Za-z0-9_-]{22}$/;

/** `keys[0]` signs; the others are older ones that are still believed. */
export function csrfTokens(keys: readonly [string, ...string[]]): CsrfTokens {
  const imported: CryptoKey[] = [];

  const mac = async (keyIndex: number, text: string): Promise<string> => {
    imported[keyIndex] ??= await crypto.subtle.importKey(
      'raw',
      new TextEncoder().encode(keys[keyIndex]),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    );
    const signature = await crypto.subtle.sign('HMAC', imported[keyIndex], new TextEncoder().encode(text));
    return base64Url(new Uint8Array(signature).subarray(0, MAC_BYTES));
  };
  // The labels keep a mac made for one purpose from being one for the other.
  const cookieText = (nonce: string, userId: string, binding: TokenHash | null): string =>
    `csrf-cookie\n${nonce}\n${userId}\n${binding ?? ''}`;
  const formText = (salt: string, cookie: string): string => `csrf-form\n${salt}\n${cookie}`;

  const isMacOf = async (submitted: string, text: string): Promise<boolean> => {
    for (let i = 0; i < keys.length; i += 1) {
      if (equalInConstantTime(submitted, await mac(i, text))) return true;
    }
    return false;
  };

  const self: CsrfTokens = {
    async newCookie(binding, userId) {
      const nonce = base64Url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
      const user = userId ?? '';
      return `${nonce}.${user}.${await mac(0, cookieText(nonce, user, binding))}`;
    },

    async isCookieFor(cookie, binding) {
      if (!COOKIE_PATTERN.test(cookie)) return false;
      const [nonce = '', user = '', signature = ''] = cookie.split('.');
      return isMacOf(signature, cookieText(nonce, user, binding));
    },

    async userOf(cookie, binding) {
      if (cookie === null || !(await self.isCookieFor(cookie, binding))) return null;
      const user = cookie.split('.')[1];
      return user === undefined || user === '' ? null : (user as UserId);
    },

    async formToken(cookie) {
      const salt = base64Url(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
      return `${salt}.${await mac(0, formText(salt, cookie))}`;
    },

    async verify(submitted, cookie, bindings) {
      if (!COOKIE_PATTERN.test(cookie)) return false;
      let belongs = equalInConstantTime(submitted, cookie);
      if (!belongs && FORM_TOKEN_PATTERN.test(submitted)) {
        const [salt = '', signature = ''] = submitted.split('.');
        belongs = await isMacOf(signature, formText(salt, cookie));
      }
      if (!belongs) return false;
      for (const binding of bindings) {
        if (await self.isCookieFor(cookie, binding)) return true;
      }
      return false;
    },
  };
  return self;
}
