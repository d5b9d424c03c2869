import { describe, expect, test } from 'vitest';
import {
  COOKIES_MAX,
  readBareToken,
  readCredentials,
  readSessionCookies,
} from '../../../src/http/credentials.ts';
import { hashToken, newToken, type Token } from '../../../src/session/token.ts';

const SETTINGS = {
  SESSION_COOKIE_NAME: 'sessionid',
  CSRF_COOKIE_NAME: 'csrftoken',
  SESSION_COOKIE_DOMAIN: '',
};
const token = newToken();

const offered = (kind: 'cookie' | 'bearer' | 'either', ...tokens: Token[]) => ({
  status: 'offered',
  kind,
  tokenHashes: tokens.map(hashToken),
  ignoredCount: 0,
});
const read = (headers: Record<string, string>, settings = SETTINGS) =>
  readCredentials(new Headers(headers), settings);

describe('Authorization', () => {
  test.each([[`Bearer ${token}`], [`bearer ${token}`], [`BEARER   ${token}`], [`  Bearer ${token}  `]])(
    '%j is a bearer',
    (header) => {
      expect(read({ Authorization: header })).toEqual(offered('bearer', token));
    },
  );

  test.each(['', 'Basic abc', token, `Bearer${token}`, `Bearers ${token}`, `Token ${token}`])(
    '%j is no bearer, and hides no cookie',
    (header) => {
      expect(read({ Authorization: header })).toEqual({ status: 'missing' });
      expect(read({ Authorization: header, Cookie: `sessionid=${token}` })).toEqual(offered('cookie', token));
    },
  );

  test.each([
    'Bearer',
    'Bearer ',
    'Bearer garbage',
    `Bearer=${token}`,
    `Bearer\t${token}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token},x`,
    `Bearer "${token}"`,
  ])('%j was never issued', (header) => {
    expect(read({ Authorization: header })).toEqual({ status: 'malformed', kind: 'bearer' });
  });

  test('beats a cookie, even if it is malformed', () => {
    const Cookie = `sessionid=${newToken()}`;
    expect(read({ Authorization: `Bearer ${token}`, Cookie })).toEqual(offered('bearer', token));
    expect(read({ Authorization: 'Bearer x', Cookie })).toEqual({ status: 'malformed', kind: 'bearer' });
  });

  test('is ignored on pages', () => {
    const headers = new Headers({ Authorization: `Bearer ${newToken()}`, Cookie: `sessionid=${token}` });
    expect(readSessionCookies(headers, SETTINGS)).toEqual(offered('cookie', token));
  });
});

describe('session cookies', () => {
  test.each(['', 'other=1', 'sessionid='])('%j holds none', (cookie) => {
    expect(read({ Cookie: cookie })).toEqual({ status: 'missing' });
  });

  test('without any header there are none', () => {
    expect(read({})).toEqual({ status: 'missing' });
  });

  test('come in the order sent, each once', () => {
    const [first, second] = [newToken(), newToken()];
    const cookie = [first, second, first].map((each) => `sessionid=${each}`).join('; ');
    expect(read({ Cookie: `${cookie}; csrftoken=c` })).toEqual(offered('cookie', first, second));
  });

  test.each(['garbage', `"${token}"`])('%j was never issued', (value) => {
    expect(read({ Cookie: `sessionid=${value}` })).toEqual({ status: 'malformed', kind: 'cookie' });
  });

  test('garbage before a token does not hide it', () => {
    expect(read({ Cookie: `sessionid=x; sessionid=${token}` })).toEqual(offered('cookie', token));
  });

  test('are no more than one request can end', () => {
    const tokens = Array.from({ length: 100 }, newToken);
    const cookie = tokens.map((each) => `sessionid=${each}`).join('; ');
    expect(read({ Cookie: cookie })).toEqual({
      ...offered('cookie', ...tokens.slice(0, COOKIES_MAX)),
      ignoredCount: 96,
    });
  });

  test('have the name that the settings say', () => {
    const settings = { ...SETTINGS, SESSION_COOKIE_NAME: '__Host-sid' };
    expect(read({ Cookie: `sessionid=${newToken()}; __Host-sid=${token}` }, settings)).toEqual(
      offered('cookie', token),
    );
  });
});

test.each([
  ['', { status: 'missing' }],
  ['garbage', { status: 'malformed', kind: 'either' }],
  [token, offered('either', token)],
])('a bare token %j', (text, expected) => {
  expect(readBareToken(text)).toEqual(expected);
});
