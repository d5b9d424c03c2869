import { describe, expect, test } from 'vitest';
import { CHEAP_HASH, NAUGHTY, SQL_AND_LUA } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { freshAddress, openSignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const siege = useSiege();

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=b';
const MAX_BODY_BYTES = 64 * 1024;

/** Parts of a multipart body, each with the lines of its head. */
const parts = (...each: [string, string][]): string =>
  `${each.map(([head, value]) => `--b\r\n${head}\r\n\r\n${value}\r\n`).join('')}--b--\r\n`;
const field = (name: string): string => `Content-Disposition: form-data; name="${name}"`;

const BODIES: [string, string, string | Buffer][] = [
  ['nothing', FORM, ''],
  ['nothing, in parts', MULTIPART, ''],
  ['only separators', FORM, '&&&===&&&'],
  ['no sign', FORM, 'username'],
  ['a field twice', FORM, 'username=a&username=b&password=x'],
  ['a field twice, the other one', FORM, 'username=a&password=x&password=y'],
  ['arrays by name', FORM, 'username[]=a&username[]=b&password[]=x'],
  ['objects by name', FORM, 'username[$gt]=&password[$ne]=x'],
  ['dots in names', FORM, 'username.x=a&password.y=b'],
  [
    'prototypes by name',
    FORM,
    '__proto__=x&constructor=y&__proto__[username]=a&__proto__.password=b&toString=z',
  ],
  ['JSON', 'application/json', '{"username":"a","password":"b"}'],
  ['JSON in a form', FORM, '{"username":"a","password":"b"}'],
  [
    'XML with an entity',
    'application/xml',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
  ],
  ['text', 'text/plain', 'username=a&password=b'],
  ['no type', '', 'username=a&password=b'],
  ['a type that is none', ';;;', 'username=a&password=b'],
  ['a compressed body that is none', FORM, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])],
  ['10,000 fields', FORM, 'a=1&'.repeat(10_000)],
  ['a name of 10,000 letters', FORM, `username=${'x'.repeat(10_000)}&password=y`],
  ['a password of 4,097 letters', FORM, `username=a&password=${'x'.repeat(4097)}`],
  ['an empty name', FORM, 'username=&password=x'],
  ['an empty password', FORM, 'username=x&password='],
  ['a long address to go to', FORM, `username=a&password=b&next=${'/'.repeat(2001)}`],
  ['no boundary', 'multipart/form-data', parts([field('username'), 'a'])],
  ['another boundary', 'multipart/form-data; boundary=c', parts([field('username'), 'a'])],
  ['an empty boundary', 'multipart/form-data; boundary=', parts([field('username'), 'a'])],
  ['no end', MULTIPART, parts([field('username'), 'a'], [field('password'), 'b']).slice(0, -8)],
  ['an end in the head of a part', MULTIPART, '--b\r\nContent-Disposition: form-da'],
  ['a part without a name', MULTIPART, parts(['Content-Disposition: form-data', 'a'])],
  ['a part without a head', MULTIPART, '--b\r\n\r\na\r\n--b--\r\n'],
  [
    'files in the place of fields',
    MULTIPART,
    parts([`${field('username')}; filename="a"`, 'a'], [field('password'), 'b']),
  ],
  ['a file for a prototype', MULTIPART, parts([`${field('__proto__')}; filename="a"`, 'a'])],
  ['a field twice, in parts', MULTIPART, parts([field('username'), 'a'], [field('username'), 'b'])],
  [
    '1,000 parts',
    MULTIPART,
    parts(...Array.from({ length: 1000 }, (): [string, string] => [field('a'), 'x'])),
  ],
  ['a long head of a part', MULTIPART, parts([`${field('a')}\r\nX: ${'y'.repeat(50_000)}`, 'x'])],
  ['64 KiB', FORM, `username=${'x'.repeat(MAX_BODY_BYTES - 9)}`],
  ['half an escape in each field', FORM, 'username=%&password=%'],
  ['64 KiB of percent signs', FORM, '%'.repeat(MAX_BODY_BYTES)],
];

/** Every form; a field of its own is missing or wrong in each of the bodies above. */
async function postEverywhere(type: string, body: string | Buffer): Promise<Record<string, number>> {
  const form = await openSignInForm(siege);
  const { token, visitor } = await siege.seedVisitor();
  const csrf = (await visitor.cookie('csrftoken')) ?? '';
  const signedIn = { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf };
  const nobody = { Cookie: form.cookie, 'X-CSRFToken': form.token };
  const post = async (path: string, headers: Record<string, string>): Promise<number> => {
    const answer = await siege.fetch(ORIGIN + path, {
      method: 'POST',
      body: typeof body === 'string' ? Buffer.from(body) : body,
      headers: { ...headers, 'Content-Type': type, 'CF-Connecting-IP': freshAddress() },
    });
    return answer.status;
  };
  const statuses = {
    signIn: await post('/sign-in/', nobody),
    revoke: await post('/sessions/revoke/', signedIn),
    password: await post('/account/password/', signedIn),
  };
  expect(await visitor.isSignedIn()).toBe(true);
  return statuses;
}

describe('a body that is no form, or not this one', () => {
  test.each(BODIES)('%s: 400, and nothing happens', async (_, type, body) => {
    const before = await siege.counts();
    const statuses = await postEverywhere(type, body);
    expect(statuses).toEqual({ signIn: 400, revoke: 400, password: 400 });
    const { users, sessions, ...rows } = await siege.counts();
    // The one user and session that this test has made itself.
    expect({ users, sessions }).toEqual({ users: before.users + 1, sessions: before.sessions + 1 });
    expect(rows).toEqual({ logins: before.logins, logouts: before.logouts });
  });

  test('one byte more than 64 KiB: 413, whatever length it says it has', async () => {
    const before = await siege.counts();
    const body = Buffer.from(`username=${'x'.repeat(MAX_BODY_BYTES - 8)}`);
    expect(await postEverywhere(FORM, body)).toEqual({ signIn: 413, revoke: 413, password: 413 });
    expect((await siege.counts()).logins).toBe(before.logins);
  });

  test('a session that is named wrongly is not found, and none is ended', async () => {
    const { token, visitor } = await siege.seedVisitor();
    const other = await siege.seedVisitor();
    const csrf = (await visitor.cookie('csrftoken')) ?? '';
    const before = await siege.counts();
    const ids = [
      ...SQL_AND_LUA,
      ...NAUGHTY,
      other.session.id,
      other.token,
      other.tokenHash,
      '-',
      '*',
      `${'a'.repeat(26)}`,
    ];
    await inParallel(ids, async (id) => {
      const answer = await siege.fetch(`${ORIGIN}/sessions/revoke/`, {
        method: 'POST',
        body: new URLSearchParams({ id }).toString(),
        headers: {
          'Content-Type': FORM,
          Cookie: `sessionid=${token}; csrftoken=${csrf}`,
          'X-CSRFToken': csrf,
        },
      });
      expect(answer.status, id).toBe([...id].length > 64 ? 400 : 404);
    });
    for (const scope of ['', 'ALL', 'all ', 'everywhere', 'others,all', '__proto__', '*', 'true']) {
      const answer = await visitor.post('/sessions/revoke/', { scope }, { 'X-CSRFToken': csrf });
      expect(answer.status, scope).toBe(400);
    }
    const both = await visitor.post('/sessions/revoke/', { scope: 'all', id: 'x' }, { 'X-CSRFToken': csrf });
    expect(both.status).toBe(400);
    expect(await siege.counts()).toEqual(before);
  });
});

describe('a form that can be read', () => {
  /** Sign-ins with bytes that are no text: a refusal like any other. */
  const ODD_TEXTS: [string, string][] = [
    ['a NUL', 'a%00b'],
    ['bytes that are no UTF-8', '%ff%fe%80'],
    ['half a character', '%e2%82'],
    ['a lone surrogate', '%ed%a0%80'],
    ['an overlong slash', '%c0%af'],
    ['a byte order mark', '%ef%bb%bf'],
    ['an escape that is none', '%zz'],
    ['a plus', '+'],
    ['150 emoji', '%f0%9f%98%80'.repeat(150)],
    ['right-to-left', '%e2%80%ae%e2%80%8f'],
  ];

  test.each(ODD_TEXTS)('%s in every field: 401, and one row', async (_, text) => {
    const before = await siege.counts();
    const form = await openSignInForm(siege);
    const answer = await siege.fetch(`${ORIGIN}/sign-in/`, {
      method: 'POST',
      body: `csrfmiddlewaretoken=${form.token}&username=${text}&password=${text}&next=${text}&remember_me=${text}&${text}=${text}`,
      headers: { 'Content-Type': FORM, Cookie: form.cookie, 'CF-Connecting-IP': freshAddress() },
    });
    expect(answer.status).toBe(401);
    expect(await siege.counts()).toEqual({ ...before, logins: before.logins + 1 });
  });

  test("a name that is nearly somebody's signs nobody in, with the right password", async () => {
    const { username } = await siege.addUser({ passwordHash: CHEAP_HASH });
    const form = await openSignInForm(siege);
    const before = await siege.counts();
    for (const name of [
      `${username} `,
      ` ${username}`,
      `${username}\u0000`,
      username.toUpperCase(),
      `${username}%`,
    ]) {
      const answer = await form.submit({
        username: name,
        password: 'correct horse battery staple',
        remember_me: '',
      });
      expect(answer.status, name).toBe(401);
    }
    expect((await siege.counts()).sessions).toBe(before.sessions);
  });
});

testAftermath(siege);
