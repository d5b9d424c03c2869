import type { UserId } from '../../src/lib/ids.ts';
import { describe, test } from 'vitest';
import { csrfTokens } from '../../src/http/csrf-tokens.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { expectRefused, FORM, keysOf, type Attack, type Keys } from '../support/csrf-attack.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { SECRET_KEY } from '../support/worker.ts';

const siege = useSiege();

const flipped = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

const WRONG_TOKENS: [string, (keys: Keys) => string][] = [
  ['empty', () => ''],
  ['a dot', () => '.'],
  ['nonsense of the right form', () => `${'A'.repeat(11)}.${'B'.repeat(22)}`],
  ['another salt', ({ token }) => flipped(token, 3)],
  ['another mac', ({ token }) => flipped(token, 20)],
  ['one letter more', ({ token }) => `${token}A`],
  ['one letter less', ({ token }) => token.slice(0, -1)],
  ['a newline behind', ({ token }) => `${token}%0a`],
  ['in the other case', ({ token }) => token.toUpperCase()],
  ['twice', ({ token }) => `${token},${token}`],
  ["the cookie's mac behind a salt", ({ token, cookie }) => `${token.slice(0, 11)}.${cookie.slice(-22)}`],
  ['the session token', ({ victim }) => victim.token],
  ['the hash of it', ({ victim }) => victim.tokenHash],
  ['the public id', ({ victim }) => victim.session.id],
  ['64 KB of it', ({ token }) => token.repeat(400)],
];

describe('a token that is not this one', () => {
  test('none at all', async () => expectRefused(siege, await keysOf(await siege.seedVisitor()), {}));

  test.each(WRONG_TOKENS)('%s', async (_, forge) => {
    const keys = await keysOf(await siege.seedVisitor());
    await expectRefused(siege, keys, { field: forge(keys) });
    await expectRefused(siege, keys, { header: forge(keys) });
  });

  test("another visitor's, alone and with their cookie, swapped both ways", async () => {
    const [ada, bob] = [await keysOf(await siege.seedVisitor()), await keysOf(await siege.seedVisitor())];
    for (const [own, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      for (const cookie of [own.cookie, other.cookie]) {
        await expectRefused(siege, own, { cookie, field: other.token });
        await expectRefused(siege, own, { cookie, header: other.token });
        await expectRefused(siege, own, { cookie: other.cookie, header: other.cookie });
      }
    }
  });

  test('given to nobody, before the sign-in', async () => {
    const keys = await keysOf(await siege.seedVisitor());
    const form = await openSignInForm(siege);
    const cookie = form.cookie.replace('csrftoken=', '');
    await expectRefused(siege, keys, { cookie, field: form.token });
    await expectRefused(siege, keys, { cookie, header: cookie });
  });

  test.each<[string, string, (keys: Keys, other: Keys) => [TokenHash | null, UserId | null]]>([
    ['signed with another key', 'x'.repeat(32), ({ victim: v }) => [v.tokenHash, v.session.userId]],
    [
      "bound to another session of another's",
      SECRET_KEY,
      (_, { victim: v }) => [v.tokenHash, v.session.userId],
    ],
    ['bound to no session', SECRET_KEY, ({ victim: v }) => [null, v.session.userId]],
    [
      "bound to another session, in this user's name",
      SECRET_KEY,
      ({ victim: v }, other) => [other.victim.tokenHash, v.session.userId],
    ],
  ])('%s', async (_, key, bindingOf) => {
    const keys = await keysOf(await siege.seedVisitor());
    const csrf = csrfTokens([key]);
    const cookie = csrf.newCookie(...bindingOf(keys, await keysOf(await siege.seedVisitor())));
    await expectRefused(siege, keys, { cookie, field: csrf.formToken(cookie) });
    await expectRefused(siege, keys, { cookie, header: cookie });
  });

  test('a cookie with the name of another user in it', async () => {
    const keys = await keysOf(await siege.seedVisitor());
    const cookie = keys.cookie.replace(/\.\d+\./, '.1.');
    await expectRefused(siege, keys, { cookie, header: cookie });
    await expectRefused(siege, keys, { cookie, field: csrfTokens([SECRET_KEY]).formToken(cookie) });
  });
});

describe('the right token in the wrong place', () => {
  test.each<[string, (token: string) => Attack, number[]]>([
    ['in the query', (token) => ({ query: `&csrfmiddlewaretoken=${token}&X-CSRFToken=${token}` }), [403]],
    [
      'in JSON, also for a form',
      (token) => ({
        body: JSON.stringify({ csrfmiddlewaretoken: token }),
        headers: { 'Content-Type': 'application/json' },
      }),
      // The API looks at its fields first.
      [403, 400],
    ],
    [
      'in a form sent as text/plain',
      (token) => ({ body: `csrfmiddlewaretoken=${token}`, headers: { 'Content-Type': 'text/plain' } }),
      [403, 415],
    ],
    [
      'in a form of no type',
      (token) => ({ body: `csrfmiddlewaretoken=${token}`, headers: { 'Content-Type': '' } }),
      [403, 415],
    ],
    [
      'in a form of a type that begins alike',
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
    const keys = await keysOf(await siege.seedVisitor());
    // Without credentials of an API call an Authorization header is no business of a page's.
    await expectRefused(siege, keys, attack(keys.token), statuses);
  });

  test('a file in the place of the field', async () => {
    const keys = await keysOf(await siege.seedVisitor());
    const body = `--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"; filename="x"\r\n\r\n${keys.token}\r\n--b--\r\n`;
    const headers = { 'Content-Type': 'multipart/form-data; boundary=b' };
    // Where no body can be, saying that there is one is a mistake of its own.
    await expectRefused(siege, keys, { body, headers }, [403, 415, 400]);
  });
});

testAftermath(siege);
