import type { UserId } from '../../src/lib/ids.ts';
import { describe, expect, test } from 'vitest';
import { csrfTokens } from '../../src/http/csrf-tokens.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { expectRefused, FORM, keysOf, type Attack, type Keys } from '../support/csrf-attack.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { ORIGIN, type Visitor } from '../support/visitor.ts';
import { openWorker, SECRET_KEY } from '../support/worker.ts';

const environment = useAttackEnvironment();

const altered = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

const WRONG_TOKENS: [string, (keys: Keys) => string][] = [
  ['empty', () => ''],
  ['a dot', () => '.'],
  ['nonsense of the right form', () => `${'A'.repeat(11)}.${'B'.repeat(22)}`],
  ['another salt', ({ token }) => altered(token, 3)],
  ['another mac', ({ token }) => altered(token, 20)],
  ['one letter more', ({ token }) => `${token}A`],
  ['one letter less', ({ token }) => token.slice(0, -1)],
  ['a newline at the end', ({ token }) => `${token}%0a`],
  ['in the other case', ({ token }) => token.toUpperCase()],
  ['twice', ({ token }) => `${token},${token}`],
  ["the cookie's mac behind a salt", ({ token, cookie }) => `${token.slice(0, 11)}.${cookie.slice(-22)}`],
  ['the session token', ({ victim }) => victim.token],
  ['the hash of it', ({ victim }) => victim.tokenHash],
  ['the public id', ({ victim }) => victim.session.id],
  ['64 KB of it', ({ token }) => token.repeat(400)],
];

describe('a token that is not valid here is refused by every route, and nothing changes', () => {
  test('none at all', async () =>
    expectRefused(environment, await keysOf(await environment.seedVisitor()), {}));

  test.each(WRONG_TOKENS)('%s', async (_, forge) => {
    const keys = await keysOf(await environment.seedVisitor());
    await expectRefused(environment, keys, { field: forge(keys) });
    await expectRefused(environment, keys, { header: forge(keys) });
  });

  test("another visitor's, alone and with their cookie, swapped both ways", async () => {
    const [ada, bob] = [
      await keysOf(await environment.seedVisitor()),
      await keysOf(await environment.seedVisitor()),
    ];
    for (const [own, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      for (const cookie of [own.cookie, other.cookie]) {
        await expectRefused(environment, own, { cookie, field: other.token });
        await expectRefused(environment, own, { cookie, header: other.token });
        await expectRefused(environment, own, { cookie: other.cookie, header: other.cookie });
      }
    }
  });

  test('of an anonymous visitor, as before the sign-in: with the own cookie, or the cookie of then', async () => {
    const keys = await keysOf(await environment.seedVisitor());
    const form = await openSignInForm(environment);
    const cookie = form.cookie.replace('csrftoken=', '');
    await expectRefused(environment, keys, { field: form.token });
    await expectRefused(environment, keys, { cookie, field: form.token });
    await expectRefused(environment, keys, { cookie, header: cookie });
  });

  test.each<[string, string, (keys: Keys, other: Keys) => [TokenHash | null, UserId | null]]>([
    ['signed with another key', 'x'.repeat(32), ({ victim: v }) => [v.tokenHash, v.session.userId]],
    ["bound to another user's session", SECRET_KEY, (_, { victim: v }) => [v.tokenHash, v.session.userId]],
    ['bound to no session', SECRET_KEY, ({ victim: v }) => [null, v.session.userId]],
    [
      "bound to another session, in this user's name",
      SECRET_KEY,
      ({ victim: v }, other) => [other.victim.tokenHash, v.session.userId],
    ],
  ])('%s', async (_, key, bindingOf) => {
    const keys = await keysOf(await environment.seedVisitor());
    const csrf = csrfTokens([key]);
    const cookie = csrf.newCookie(...bindingOf(keys, await keysOf(await environment.seedVisitor())));
    await expectRefused(environment, keys, { cookie, field: csrf.formToken(cookie) });
    await expectRefused(environment, keys, { cookie, header: cookie });
  });

  test('a cookie that names another user', async () => {
    const keys = await keysOf(await environment.seedVisitor());
    const cookie = keys.cookie.replace(/\.\d+\./, '.1.');
    await expectRefused(environment, keys, { cookie, header: cookie });
    await expectRefused(environment, keys, { cookie, field: csrfTokens([SECRET_KEY]).formToken(cookie) });
  });
});

describe('a valid token in the wrong place is refused', () => {
  test.each<[string, (token: string) => Attack, number[]]>([
    ['in the query', (token) => ({ query: `&csrfmiddlewaretoken=${token}&X-CSRFToken=${token}` }), [403]],
    [
      'in JSON, also for a form',
      (token) => ({
        body: JSON.stringify({ csrfmiddlewaretoken: token }),
        headers: { 'Content-Type': 'application/json' },
      }),
      // Pages take forms only; the API checks its fields first.
      [415, 403, 400],
    ],
    [
      'in a form sent as text/plain',
      (token) => ({ body: `csrfmiddlewaretoken=${token}`, headers: { 'Content-Type': 'text/plain' } }),
      [403, 415],
    ],
    [
      'in a form without a type',
      (token) => ({ body: `csrfmiddlewaretoken=${token}`, headers: { 'Content-Type': '' } }),
      [403, 415],
    ],
    [
      'in a form of a type that begins the same',
      (token) => ({ body: `csrfmiddlewaretoken=${token}`, headers: { 'Content-Type': `${FORM}x` } }),
      [403, 415],
    ],
    [
      'in fields of other names',
      (token) => ({
        body: `csrf=${token}&CSRFMIDDLEWARETOKEN=${token}&csrfmiddlewaretoken[]=${token}&csrfmiddlewaretoken.x=${token}`,
      }),
      [403, 400],
    ],
    ...[
      'X-CSRF-Token',
      'X-XSRF-Token',
      'CSRFToken',
      'csrfmiddlewaretoken',
      'X_CSRFToken',
      'Authorization',
    ].map((name): [string, (token: string) => Attack, number[]] => [
      `in the header ${name}`,
      (token) => ({ headers: { [name]: token } }),
      [403, 401],
    ]),
  ])('%s', async (_, attack, statuses) => {
    const keys = await keysOf(await environment.seedVisitor());
    await expectRefused(environment, keys, attack(keys.token), statuses);
  });

  test('as a file', async () => {
    const keys = await keysOf(await environment.seedVisitor());
    const body = `--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"; filename="x"\r\n\r\n${keys.token}\r\n--b--\r\n`;
    const headers = { 'Content-Type': 'multipart/form-data; boundary=b' };
    // A body where none is allowed is an error of its own.
    await expectRefused(environment, keys, { body, headers }, [403, 415, 400]);
  });
});

describe('a valid token', () => {
  /** A visitor about to press the button on the home page. */
  async function atHome(): Promise<{ visitor: Visitor; token: string }> {
    const { visitor } = await environment.seedVisitor();
    return { visitor, token: (await visitor.get('/home/')).csrfToken ?? '' };
  }

  test('still works after a refusal, which sets no cookie', async () => {
    const { visitor, token } = await atHome();
    const refusal = await visitor.post('/logout/', { csrfmiddlewaretoken: altered(token, 20) });
    expect({ status: refusal.status, setCookies: refusal.setCookies }).toEqual({
      status: 403,
      setCookies: [],
    });
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: token })).status).toBe(303);
  });

  test("may be the form's or the cookie's own value in the header, with or without a form", async () => {
    const form = await atHome();
    expect((await form.visitor.post('/logout/', {}, { 'X-CSRFToken': form.token })).status).toBe(303);
    for (const type of [FORM, undefined]) {
      const { visitor } = await atHome();
      const headers = { 'X-CSRFToken': await visitor.cookie('csrftoken'), 'Content-Type': type };
      expect((await visitor.post('/logout/', {}, headers)).status).toBe(303);
      expect(await visitor.isSignedIn()).toBe(false);
    }
  });

  test.each(['/logout/', '/account/password/', '/sessions/revoke/'])(
    'in the field counts on %s beside an empty header, as some scripts send it',
    async (path) => {
      const { visitor, token } = await atHome();
      const fields = {
        csrfmiddlewaretoken: token,
        scope: 'others',
        current_password: 'x',
        new_password: 'x',
      };
      expect((await visitor.post(path, fields, { 'X-CSRFToken': '' })).status).not.toBe(403);
      const wrong = { ...fields, csrfmiddlewaretoken: altered(token, 20) };
      const { visitor: other } = await atHome();
      expect((await other.post(path, wrong, { 'X-CSRFToken': '' })).status).toBe(403);
    },
  );

  test('works in multipart forms; an unreadable form is a 400 or 403', async () => {
    const { visitor, token } = await atHome();
    const form = (value: string) =>
      `--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n${value}\r\n--b--\r\n`;
    const headers = { 'Content-Type': 'multipart/form-data; boundary=b', Origin: ORIGIN };
    const post = (body: string) => visitor.request('/logout/', { method: 'POST', body, headers });
    expect((await post(form('wrong'))).status).toBe(403);
    expect([400, 403]).toContain((await post('--nothing')).status);
    expect(await visitor.isSignedIn()).toBe(true);
    expect((await post(form(token))).status).toBe(303);
  });

  test('stays valid in other tabs: each page has another one', async () => {
    const { visitor, token } = await atHome();
    const second = await visitor.get('/logout/');
    expect(second.csrfToken).not.toBe(token);
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: token })).status).toBe(303);
  });

  test('survives a new SECRET_KEY while the old one is a fallback, and no longer', async () => {
    const { visitor, token } = await atHome();
    const cookies = await visitor.jar.getCookies(visitor.origin);
    const newKey = 'the-next-secret-key-which-is-long-enough-too';
    const postWith = async (bindings: Record<string, string>): Promise<number> => {
      await using worker = await openWorker({ cloud: environment.cloud, bindings });
      const same = worker.visitor();
      for (const cookie of cookies) await same.setCookie(cookie.toString());
      return (await same.post('/logout/', { csrfmiddlewaretoken: token })).status;
    };
    expect(await postWith({ SECRET_KEY: newKey })).toBe(403);
    const fallbacks = `${'x'.repeat(32)},${SECRET_KEY}`;
    expect(await postWith({ SECRET_KEY: newKey, SECRET_KEY_FALLBACKS: fallbacks })).toBe(303);
  });
});

testAftermath(environment);
