import { describe, expect, test } from 'vitest';
import { csrfTokens } from '../../../src/http/csrf-tokens.ts';
import type { UserId } from '../../../src/lib/ids.ts';
import { newTokenHash } from '../../fakes/samples.ts';

const KEY = 'k'.repeat(32);
const OTHER_KEY = 'o'.repeat(32);
const csrf = csrfTokens([KEY]);
const ANN = '42' as UserId;

/** The text with one character replaced, once for each character. */
const tamperings = (text: string): string[] =>
  [...text].map((letter, i) => `${text.slice(0, i)}${letter === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`);

describe('the cookie', () => {
  test('is valid for the session it was issued for, and for no other', async () => {
    const mine = newTokenHash();
    const cookie = csrf.newCookie(mine, ANN);
    expect(csrf.isCookieFor(cookie, mine)).toBe(true);
    expect(csrf.isCookieFor(cookie, newTokenHash())).toBe(false);
    expect(csrf.isCookieFor(cookie, null)).toBe(false);
  });

  test('from before the sign-in is invalid after it', async () => {
    const cookie = csrf.newCookie(null, null);
    expect(csrf.isCookieFor(cookie, null)).toBe(true);
    expect(csrf.isCookieFor(cookie, newTokenHash())).toBe(false);
  });

  test('is different each time, in characters that a cookie may hold', async () => {
    const hash = newTokenHash();
    const cookies = Array.from({ length: 50 }, () => csrf.newCookie(hash, ANN));
    expect(new Set(cookies).size).toBe(50);
    for (const cookie of cookies) expect(cookie).toMatch(/^[\w.-]{40,80}$/);
  });

  test('is invalid if any one character is changed', async () => {
    const hash = newTokenHash();
    const cookie = csrf.newCookie(hash, ANN);
    const results = tamperings(cookie).map((each) => csrf.isCookieFor(each, hash));
    expect(results).toEqual(results.map(() => false));
  });

  test('names its user, but only together with its session', async () => {
    const hash = newTokenHash();
    const cookie = csrf.newCookie(hash, ANN);
    expect(csrf.userOf(cookie, hash)).toBe(ANN);
    expect(csrf.userOf(cookie, newTokenHash())).toBeNull();
    expect(csrf.userOf(null, hash)).toBeNull();
    expect(csrf.userOf(cookie.replace('.42.', '.43.'), hash)).toBeNull();
    expect(csrf.userOf(csrf.newCookie(null, null), hash)).toBeNull();
  });

  test('does not confuse where the user ends and the session begins', async () => {
    const hash = newTokenHash();
    const cookie = csrf.newCookie(hash, '4' as UserId);
    expect(csrf.isCookieFor(cookie.replace('.4.', '..'), `4\n${hash}` as typeof hash)).toBe(false);
  });
});

describe('a form token', () => {
  test('is valid with its cookie and session', async () => {
    const hash = newTokenHash();
    const cookie = csrf.newCookie(hash, ANN);
    const token = csrf.formToken(cookie);
    expect(csrf.verify(token, cookie, [hash])).toBe(true);
    // One of several sessions is enough, as a browser may send duplicate cookies.
    expect(csrf.verify(token, cookie, [newTokenHash(), hash])).toBe(true);
  });

  test('is invalid with another cookie, another session or none', async () => {
    const hash = newTokenHash();
    const cookie = csrf.newCookie(hash, ANN);
    const token = csrf.formToken(cookie);
    expect(csrf.verify(token, csrf.newCookie(hash, ANN), [hash])).toBe(false);
    expect(csrf.verify(token, cookie, [newTokenHash(), null])).toBe(false);
    expect(csrf.verify(token, cookie, [])).toBe(false);
  });

  test('is different on every page, and each is valid', async () => {
    const cookie = csrf.newCookie(null, null);
    const tokens = Array.from({ length: 20 }, () => csrf.formToken(cookie));
    expect(new Set(tokens).size).toBe(20);
    for (const token of tokens) expect(csrf.verify(token, cookie, [null])).toBe(true);
  });

  test('of a cookie that an attacker planted is invalid', async () => {
    const attackers = csrfTokens([OTHER_KEY]);
    const hash = newTokenHash();
    const cookie = attackers.newCookie(hash, ANN);
    expect(csrf.verify(attackers.formToken(cookie), cookie, [hash])).toBe(false);
    // Nor of the attacker's own cookie from this service.
    const own = csrf.newCookie(newTokenHash(), '7' as UserId);
    expect(csrf.verify(csrf.formToken(own), own, [hash, null])).toBe(false);
  });

  test('is invalid if any one character is changed', async () => {
    const cookie = csrf.newCookie(null, null);
    const token = csrf.formToken(cookie);
    const results = tamperings(token).map((each) => csrf.verify(each, cookie, [null]));
    expect(results).toEqual(results.map(() => false));
  });

  test("may be the cookie's own value, as with Django", async () => {
    const hash = newTokenHash();
    const cookie = csrf.newCookie(hash, ANN);
    expect(csrf.verify(cookie, cookie, [hash])).toBe(true);
    expect(csrf.verify(cookie, cookie, [null])).toBe(false);
  });

  test.each([
    '',
    '.',
    '..',
    'x',
    'x.y',
    '\0',
    '😀',
    'a'.repeat(10_000),
    `${'A'.repeat(11)}.${'A'.repeat(22)}`,
  ])('%j is neither a token nor a cookie', async (text) => {
    const cookie = csrf.newCookie(null, null);
    expect(csrf.verify(text, cookie, [null])).toBe(false);
    expect(csrf.verify(text, text, [null])).toBe(false);
    expect(csrf.isCookieFor(text, null)).toBe(false);
  });

  test('neither kind of MAC can be used as the other', async () => {
    const cookie = csrf.newCookie(null, null);
    const [nonce = '', user = '', mac = ''] = cookie.split('.');
    expect(csrf.verify(`${nonce.slice(0, 11)}.${mac}`, cookie, [null])).toBe(false);
    const [, formMac = ''] = csrf.formToken(cookie).split('.');
    expect(csrf.isCookieFor(`${nonce}.${user}.${formMac}`, null)).toBe(false);
  });
});

describe('keys', () => {
  test('an older one still verifies, the newest one signs', async () => {
    const hash = newTokenHash();
    const before = csrfTokens([OTHER_KEY]);
    const rotated = csrfTokens([KEY, 'x'.repeat(40), OTHER_KEY]);
    const cookie = before.newCookie(hash, ANN);
    expect(rotated.verify(before.formToken(cookie), cookie, [hash])).toBe(true);
    const fresh = rotated.newCookie(hash, ANN);
    expect(csrf.verify(rotated.formToken(fresh), fresh, [hash])).toBe(true);
    expect(before.isCookieFor(fresh, hash)).toBe(false);
  });

  test('one that is no longer listed does not verify', async () => {
    const cookie = csrfTokens([OTHER_KEY]).newCookie(null, null);
    expect(csrf.isCookieFor(cookie, null)).toBe(false);
  });

  test('may have any characters', async () => {
    const unicode = csrfTokens(['ключ🔑'.repeat(8)]);
    const cookie = unicode.newCookie(null, null);
    expect(unicode.verify(unicode.formToken(cookie), cookie, [null])).toBe(true);
  });
});
