import { isLocalHttp } from '../../../src/lib/local-http.ts';
import { Cookie } from 'tough-cookie';
import { describe, expect, test } from 'vitest';
import { readCookieValues, sessionCookies, type CookieSettings } from '../../../src/session/cookies.ts';
import { newToken } from '../../../src/session/token.ts';

const SETTINGS: CookieSettings = {
  SESSION_COOKIE_NAME: 'sessionid',
  CSRF_COOKIE_NAME: 'csrftoken',
  SESSION_COOKIE_DOMAIN: '',
};
const HTTPS = new URL('https://login.example.org/sign-in/');
const token = newToken();

/** Name, value and attributes as a browser reads them. */
function read(header: string) {
  const cookie = Cookie.parse(header);
  if (cookie === undefined) throw new Error(`no cookie: ${header}`);
  const { key, value, maxAge, domain, path, httpOnly, secure, sameSite } = cookie;
  return { key, value, maxAge, domain, path, httpOnly, secure, sameSite };
}
const ATTRIBUTES = { domain: null, path: '/', secure: true, sameSite: 'lax' };

describe('cookies that are set', () => {
  test('the session cookie is HttpOnly, host-only and lasts until the browser is closed', () => {
    const [header, ...more] = sessionCookies(SETTINGS, HTTPS).session(token, null);
    expect(more).toEqual([]);
    expect(read(header!)).toEqual({
      ...ATTRIBUTES,
      key: 'sessionid',
      value: token,
      maxAge: null,
      httpOnly: true,
    });
    expect(header).toBe(`sessionid=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`);
  });

  test('with Remember me it has a Max-Age', () => {
    const [header] = sessionCookies(SETTINGS, HTTPS).session(token, 2_592_000);
    expect(read(header!)).toMatchObject({ maxAge: 2_592_000, httpOnly: true });
  });

  test('the CSRF token is the same without HttpOnly', () => {
    const header = sessionCookies(SETTINGS, HTTPS).csrf('value', 60);
    expect(read(header)).toEqual({
      ...ATTRIBUTES,
      key: 'csrftoken',
      value: 'value',
      maxAge: 60,
      httpOnly: false,
    });
  });

  test('both are expired with the attributes they were set with', () => {
    const [signedOut, ...headers] = sessionCookies(SETTINGS, HTTPS).expireAll();
    // Makes Chromium drop the pages it keeps for Back.
    expect(read(signedOut ?? '')).toEqual({
      ...ATTRIBUTES,
      key: 'signedout',
      value: '1',
      maxAge: 1,
      httpOnly: true,
    });
    expect(headers.map(read)).toEqual([
      { ...ATTRIBUTES, key: 'csrftoken', value: '', maxAge: 0, httpOnly: false },
      { ...ATTRIBUTES, key: 'sessionid', value: '', maxAge: 0, httpOnly: true },
    ]);
    for (const header of headers) expect(Cookie.parse(header)?.expires).toEqual(new Date(0));
  });

  test('with a domain, the host-only duplicate expires too', () => {
    const settings = { ...SETTINGS, SESSION_COOKIE_DOMAIN: 'example.org' };
    const cookies = sessionCookies(settings, HTTPS);
    expect(cookies.session(token, null).map(read)).toMatchObject([
      { key: 'sessionid', value: '', domain: null, maxAge: 0 },
      { key: 'sessionid', value: token, domain: 'example.org', maxAge: null },
    ]);
    expect(cookies.expireAll().map(read)).toMatchObject([
      { key: 'signedout', value: '1', maxAge: 1 },
      // csrftoken is host-only whatever the domain.
      { key: 'csrftoken', domain: null, maxAge: 0 },
      { key: 'sessionid', domain: null, maxAge: 0 },
      { key: 'sessionid', domain: 'example.org', maxAge: 0 },
    ]);
    expect(read(cookies.csrf('value', null))).toMatchObject({ domain: null });
  });

  test.each([
    { url: 'https://login.example.org/', secure: true },
    { url: 'https://localhost/', secure: true },
    { url: 'http://localhost:8787/', secure: false },
    { url: 'http://127.0.0.1/', secure: false },
    { url: 'http://[::1]:1/', secure: false },
    { url: 'http://login.example.org/', secure: true },
    { url: 'http://localhost.example.org/', secure: true },
    { url: 'http://127.0.0.2/', secure: true },
  ])('$url: Secure $secure', ({ url, secure }) => {
    const cookies = sessionCookies(SETTINGS, new URL(url));
    for (const header of [...cookies.session(token, null), cookies.csrf('x', null), ...cookies.expireAll()])
      expect(read(header).secure).toBe(secure);
    expect(isLocalHttp(new URL(url))).toBe(!secure);
  });

  test.each(['__Host-sid', '__Secure-sid', '__host-sid'])('%s is Secure on localhost too', (name) => {
    const settings = { ...SETTINGS, SESSION_COOKIE_NAME: name };
    const [header] = sessionCookies(settings, new URL('http://localhost/')).session(token, null);
    expect(read(header!).secure).toBe(true);
  });
});

describe('cookies that are read', () => {
  test.each([
    [null, []],
    ['', []],
    ['a=1', ['1']],
    ['a=1; b=2; a=3', ['1', '3']],
    ['b=a=1; xa=2; ab=3; A=4', []],
    [' a = 1 ;a=2', ['1', '2']],
    ['a=', ['']],
    ['a', []],
    ['a=x=y==', ['x=y==']],
    [';;=;a=1;', ['1']],
  ])('%j', (header, values) => {
    expect(readCookieValues(header, 'a')).toEqual(values);
  });
});
