import { describe, expect, test } from 'vitest';
import { hashToken, newToken, type Token } from '../../src/session/token.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { freshAddress } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Sends these headers to pages and API routes; true if any of them lets the request in. */
async function opensAnything(headers: Record<string, string>): Promise<boolean> {
  const send = (path: string, method = 'GET') =>
    environment.fetch(ORIGIN + path, { method, headers: { 'CF-Connecting-IP': freshAddress(), ...headers } });
  const responses = await Promise.all([
    ...['/home/', '/sessions/', '/account/password/', '/logout/'].map((path) => send(path)),
    ...['/api/v1/sessions', '/api/v1/sessions/current', '/api/v1/logouts'].map((path) => send(path)),
    send('/api/v1/sessions?scope=all', 'DELETE'),
    send('/api/v1/password', 'PUT'),
  ]);
  for (const { headers: received } of responses) {
    // What is no session gets no cookie of one.
    expect(received.getSetCookie().filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
  }
  return responses.some(({ status }) => status === 200);
}

/** The last letter of a token holds 4 bits and 2 spare ones, which every encoder leaves 0. */
function withLastLetter(token: string, change: (value: number) => number): string {
  const value = BASE64URL.indexOf(token.at(-1) ?? '');
  return token.slice(0, -1) + BASE64URL.charAt(change(value) & 63);
}

const percentEncoded = (text: string): string =>
  [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('');

const FORGERIES: [string, (token: Token, sessionId: string) => Promise<string> | string][] = [
  ['one letter more', (token) => `${token}A`],
  ['one letter less', (token) => token.slice(0, -1)],
  ['another first letter', (token) => (token.startsWith('A') ? 'B' : 'A') + token.slice(1)],
  ['other spare bits in the last letter', (token) => withLastLetter(token, (value) => value ^ 1)],
  ['other last bits', (token) => withLastLetter(token, (value) => value ^ 4)],
  ['padding', (token) => `${token}=`],
  ['quotes', (token) => `"${token}"`],
  ['one quote', (token) => `"${token}`],
  [
    'the other case',
    (token) => token.replace(/[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase())),
  ],
  ['percent-encoding', percentEncoded],
  ['one letter percent-encoded', (token) => percentEncoded(token.slice(0, 1)) + token.slice(1)],
  ['twice, with a comma', (token) => `${token},${token}`],
  ['twice, run together', (token) => token + token],
  ['a space in the middle', (token) => `${token.slice(0, 20)} ${token.slice(20)}`],
  ['a non-breaking space at the end', (token) => `${token}\u00a0`],
  ['its hash', hashToken],
  ['its key in Redis', async (token) => `session:${hashToken(token)}`],
  ['the public id', (_, sessionId) => sessionId],
  ['a token never issued', () => newToken()],
  ['8 KB', (token) => token.repeat(190)],
  ['a pattern', () => '*'.repeat(43)],
  ['SQL', () => "' OR '1'='1"],
  ['JSON', (token) => JSON.stringify([token])],
  ...['', '=', 'null', 'undefined', 'true', '0', '__proto__', 'constructor', '../../x', '%00', '\u00ff'].map(
    (text): [string, () => string] => [JSON.stringify(text), () => text],
  ),
];

describe('what is not the exact token opens nothing', () => {
  test.each(FORGERIES)('%s', async (_, forge) => {
    const { token, session, visitor } = await environment.seedVisitor();
    const before = await environment.counts();
    const forged = await forge(token, session.id);
    expect(await opensAnything({ Cookie: `sessionid=${forged}` })).toBe(false);
    expect(await opensAnything({ Authorization: `Bearer ${forged}` })).toBe(false);
    expect(await environment.counts()).toEqual(before);
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test.each([
    ['SESSIONID=T', 'another case of the name'],
    ['xsessionid=T', 'a longer name'],
    ['sessionid2=T', 'a longer name'],
    ['$sessionid=T', 'a name of RFC 2965'],
    ['sessionid%3DT', 'an encoded sign'],
    ['sessionid T', 'no sign'],
    ['csrftoken=T', 'the other cookie'],
    ['__Host-sessionid=T', 'a prefix'],
    ['x="; sessionid=\\"T\\""', 'a quoted string around it'],
    ['sessionid=, sessionid=T', 'a comma between'],
    ['__proto__=T; constructor=T; toString=T', 'names of every object'],
  ])('%s: %s', async (pattern) => {
    const { token } = await environment.seedVisitor();
    expect(await opensAnything({ Cookie: pattern.replaceAll('T', token) })).toBe(false);
  });

  test.each<[string, number]>([
    ['Bearer', 401],
    ['Bearer ', 401],
    ['Bearer  ', 401],
    ['bearer=T', 401],
    ['Bearer T, Bearer T', 401],
    // Other schemes, which leave the cookie alone.
    ['Basic T', 200],
    ['Token T', 200],
    ['T', 200],
    ['BearerT', 200],
  ])('Authorization: %s', async (pattern, withCookie) => {
    const { token } = await environment.seedVisitor();
    const Authorization = pattern.replaceAll('T', token);
    expect(await opensAnything({ Authorization })).toBe(false);
    // A bearer beats the cookie, even a valid one.
    const api = await environment.fetch(`${ORIGIN}/api/v1/sessions/current`, {
      headers: { Authorization, Cookie: `sessionid=${token}` },
    });
    expect(api.status).toBe(withCookie);
  });
});

describe('more cookies than one', () => {
  const homeWith = async (Cookie: string): Promise<string> => {
    const response = await environment.fetch(`${ORIGIN}/home/`, { headers: { Cookie } });
    if (response.status !== 200) return `${response.status}`;
    return /<h1>Hello, ([^<]*)</.exec(await response.text())?.[1] ?? '?';
  };

  test('of two users none counts, and nonsense beside a valid one does no harm', async () => {
    const [ada, bob] = [await environment.seedVisitor(), await environment.seedVisitor()];
    expect(await homeWith(`sessionid=${ada.token}; sessionid=${bob.token}`)).toBe('302');
    expect(await homeWith(`sessionid=${bob.token}; sessionid=${ada.token}`)).toBe('302');
    for (const other of [
      'sessionid=',
      'sessionid=nonsense',
      `sessionid="${bob.token}"`,
      ';;;',
      '=',
      '=;=x',
    ]) {
      expect(await homeWith(`${other}; sessionid=${ada.token}`)).toBe(ada.user.username);
      expect(await homeWith(`sessionid=${ada.token}; ${other}`)).toBe(ada.user.username);
    }
  });

  test('a hundred other cookies, or one of 8 KB, hide nothing', async () => {
    const { token, user } = await environment.seedVisitor();
    const hundred = Array.from({ length: 100 }, (_, i) => `c${i}=${'x'.repeat(60)}`).join('; ');
    expect(await homeWith(`${hundred}; sessionid=${token}`)).toBe(user.username);
    expect(await homeWith(`x=${'y'.repeat(8192)}; sessionid=${token}`)).toBe(user.username);
    expect(await homeWith(`sessionid=${'y'.repeat(8192)}; sessionid=${token}`)).toBe(user.username);
  });

  test('many tokens that were never issued cost few calls to the store', async () => {
    const many = Array.from({ length: 150 }, () => `sessionid=${newToken()}`).join('; ');
    for (const [path, method] of [
      ['/home/', 'GET'],
      ['/sessions/', 'GET'],
      ['/logout/', 'POST'],
      ['/sessions/revoke/', 'POST'],
      ['/api/v1/sessions/current', 'DELETE'],
    ] as const) {
      await environment.worker.delivered();
      environment.cloud.calls.length = 0;
      await environment.fetch(ORIGIN + path, { method, headers: { Cookie: many } });
      await environment.cloud.settled();
      expect(environment.cloud.calls.length, path).toBeLessThanOrEqual(4);
    }
  });
});

test("a cookie's token as a bearer, or a bearer's as a cookie, opens and ends nothing", async () => {
  const { token, visitor, user } = await environment.seedVisitor();
  expect(await opensAnything({ Authorization: `Bearer ${token}` })).toBe(false);
  const app = await environment.fetch(`${ORIGIN}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
    body: JSON.stringify({ username: user.username, password: user.password }),
  });
  const bearer = ((await app.json()) as { token: string }).token;
  expect(await opensAnything({ Cookie: `sessionid=${bearer}` })).toBe(false);
  const before = await environment.counts();
  for (const headers of [{ Authorization: `Bearer ${token}` }, { Cookie: `sessionid=${bearer}` }]) {
    const ended = await environment.fetch(`${ORIGIN}/api/v1/sessions/current`, { method: 'DELETE', headers });
    expect(await ended.json()).toEqual({ revoked: 0, logouts: [] });
  }
  await environment.fetch(`${ORIGIN}/logout/`, {
    method: 'POST',
    headers: { Cookie: `sessionid=${bearer}` },
  });
  expect(await environment.counts()).toEqual(before);
  expect(await visitor.isSignedIn()).toBe(true);
  expect(await opensAnything({ Authorization: `Bearer ${bearer}` })).toBe(true);
});

test('the token of an ended session opens nothing, and there is nothing left to end', async () => {
  const { token, visitor } = await environment.seedVisitor();
  const Cookie = await visitor.jar.getCookieString(ORIGIN);
  expect((await visitor.logOut()).status).toBe(303);
  expect(await opensAnything({ Cookie })).toBe(false);
  expect(await opensAnything({ Cookie: `sessionid=${token}` })).toBe(false);
  const before = await environment.counts();
  await environment.fetch(`${ORIGIN}/logout/`, { method: 'POST', headers: { Cookie } });
  expect(await environment.counts()).toEqual(before);
});

testAftermath(environment);
