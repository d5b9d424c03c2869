import { describe, expect, test } from 'vitest';
import { CHEAP_HASH, NAUGHTY, SQL_AND_LUA } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { freshAddress, openSignInForm } from '../support/sign-in-form.ts';
import { streamOf } from '../support/stream-of.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=b';
const MAX_BODY_BYTES = 64 * 1024;

/** A multipart body; each part has its header lines. */
const parts = (...each: [string, string][]): string =>
  `${each.map(([head, value]) => `--b\r\n${head}\r\n\r\n${value}\r\n`).join('')}--b--\r\n`;
const field = (name: string): string => `Content-Disposition: form-data; name="${name}"`;

const BODIES: [string, string, string | Buffer][] = [
  ['nothing', FORM, ''],
  ['nothing, in parts', MULTIPART, ''],
  ['only separators', FORM, '&&&===&&&'],
  ['no equals sign', FORM, 'username'],
  ['a field twice', FORM, 'username=a&username=b&password=x'],
  ['the other field twice', FORM, 'username=a&password=x&password=y'],
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
  ['a malformed type', ';;;', 'username=a&password=b'],
  ['a broken gzip', FORM, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])],
  ['10,000 fields', FORM, 'a=1&'.repeat(10_000)],
  ['a name of 10,000 letters', FORM, `username=${'x'.repeat(10_000)}&password=y`],
  ['a password of 4,097 letters', FORM, `username=a&password=${'x'.repeat(4097)}`],
  ['an empty name', FORM, 'username=&password=x'],
  ['an empty password', FORM, 'username=x&password='],
  ['a next that is too long', FORM, `username=a&password=b&next=${'/'.repeat(2001)}`],
  ['no boundary', 'multipart/form-data', parts([field('username'), 'a'])],
  ['another boundary', 'multipart/form-data; boundary=c', parts([field('username'), 'a'])],
  ['an empty boundary', 'multipart/form-data; boundary=', parts([field('username'), 'a'])],
  ['no end', MULTIPART, parts([field('username'), 'a'], [field('password'), 'b']).slice(0, -8)],
  ['the end inside the header of a part', MULTIPART, '--b\r\nContent-Disposition: form-da'],
  ['a part without a name', MULTIPART, parts(['Content-Disposition: form-data', 'a'])],
  ['a part without a header', MULTIPART, '--b\r\n\r\na\r\n--b--\r\n'],
  [
    'files instead of fields',
    MULTIPART,
    parts([`${field('username')}; filename="a"`, 'a'], [field('password'), 'b']),
  ],
  ['a file as the prototype', MULTIPART, parts([`${field('__proto__')}; filename="a"`, 'a'])],
  ['a field twice, in parts', MULTIPART, parts([field('username'), 'a'], [field('username'), 'b'])],
  [
    '1,000 parts',
    MULTIPART,
    parts(...Array.from({ length: 1000 }, (): [string, string] => [field('a'), 'x'])),
  ],
  ['a long header of a part', MULTIPART, parts([`${field('a')}\r\nX: ${'y'.repeat(50_000)}`, 'x'])],
  ['64 KiB', FORM, `username=${'x'.repeat(MAX_BODY_BYTES - 9)}`],
  ['half an escape in each field', FORM, 'username=%&password=%'],
  ['64 KiB of percent signs', FORM, '%'.repeat(MAX_BODY_BYTES)],
];

/** Posts to every form. In each of the bodies above a field of each form is missing or wrong. */
async function postEverywhere(type: string, body: string | Buffer): Promise<Record<string, number>> {
  const form = await openSignInForm(environment);
  const { token, visitor } = await environment.seedVisitor();
  const csrf = (await visitor.cookie('csrftoken')) ?? '';
  const signedIn = { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf };
  const anonymous = { Cookie: form.cookie, 'X-CSRFToken': form.token };
  const post = async (path: string, headers: Record<string, string>): Promise<number> => {
    const response = await environment.fetch(ORIGIN + path, {
      method: 'POST',
      body: typeof body === 'string' ? Buffer.from(body) : body,
      headers: { ...headers, 'Content-Type': type, 'CF-Connecting-IP': freshAddress() },
    });
    return response.status;
  };
  const statuses = {
    signIn: await post('/sign-in/', anonymous),
    revoke: await post('/sessions/revoke/', signedIn),
    password: await post('/account/password/', signedIn),
  };
  expect(await visitor.isSignedIn()).toBe(true);
  return statuses;
}

describe('a body that is not a form, or another form', () => {
  test.each(BODIES)('%s: refused, and nothing happens', async (_, type, body) => {
    const before = await environment.counts();
    const statuses = await postEverywhere(type, body);
    const status = type === '' || type.startsWith(FORM) || type.startsWith('multipart/form-data') ? 400 : 415;
    expect(statuses).toEqual({ signIn: status, revoke: status, password: status });
    const { users, sessions, ...rows } = await environment.counts();
    // This test's own user and session.
    expect({ users, sessions }).toEqual({ users: before.users + 1, sessions: before.sessions + 1 });
    expect(rows).toEqual({ logins: before.logins, logouts: before.logouts });
  });

  test('a hostile session id is not found, a hostile scope is a 400, and nothing ends', async () => {
    const { token, visitor } = await environment.seedVisitor();
    const other = await environment.seedVisitor();
    const csrf = (await visitor.cookie('csrftoken')) ?? '';
    const before = await environment.counts();
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
      const response = await environment.fetch(`${ORIGIN}/sessions/revoke/`, {
        method: 'POST',
        body: new URLSearchParams({ id }).toString(),
        headers: {
          'Content-Type': FORM,
          Cookie: `sessionid=${token}; csrftoken=${csrf}`,
          'X-CSRFToken': csrf,
        },
      });
      expect(response.status, id).toBe([...id].length > 64 ? 400 : 303);
    });
    for (const scope of ['', 'ALL', 'all ', 'everywhere', 'others,all', '__proto__', '*', 'true']) {
      const response = await visitor.post('/sessions/revoke/', { scope }, { 'X-CSRFToken': csrf });
      expect(response.status, scope).toBe(400);
    }
    const both = await visitor.post('/sessions/revoke/', { scope: 'all', id: 'x' }, { 'X-CSRFToken': csrf });
    expect(both.status).toBe(400);
    expect(await environment.counts()).toEqual(before);
  });
});

describe('one byte more than 64 KiB', () => {
  const tooLarge = 'a'.repeat(MAX_BODY_BYTES + 1);

  test('is a 413 that changes nothing', async () => {
    const before = await environment.counts();
    expect(await postEverywhere(FORM, tooLarge)).toEqual({ signIn: 413, revoke: 413, password: 413 });
    expect((await environment.counts()).logins).toBe(before.logins);
  });

  test.each(['/sign-in/', '/logout/', '/nowhere/'])(
    'is a 413 on %s, as a page and as a problem',
    async (path) => {
      const post = (Accept: string) =>
        environment.visitor().request(path, {
          method: 'POST',
          body: tooLarge,
          headers: { 'Content-Type': FORM, Accept },
        });
      expect((await post('text/html')).status).toBe(413);
      const problem = await post('application/json');
      expect(problem.status).toBe(413);
      expect(JSON.parse(problem.body)).toMatchObject({ status: 413 });
    },
  );

  test.each([
    ['/sign-in/', 303],
    ['/logout/', 403],
  ])('is a 413 on %s without a Content-Length, one byte less is not', async (path, status) => {
    const { visitor } = await environment.seedVisitor();
    const post = (size: number) =>
      visitor.request(path, {
        method: 'POST',
        body: streamOf('a'.repeat(size)),
        duplex: 'half',
        headers: { 'Content-Type': FORM },
      });
    expect((await post(MAX_BODY_BYTES + 1)).status).toBe(413);
    expect((await post(MAX_BODY_BYTES)).status).toBe(status);
  });
});

describe('a readable form', () => {
  /** Sign-ins with odd bytes are refused like any other. */
  const ODD_TEXTS: [string, string][] = [
    ['a NUL', 'a%00b'],
    ['bytes that are not UTF-8', '%ff%fe%80'],
    ['half a character', '%e2%82'],
    ['a lone surrogate', '%ed%a0%80'],
    ['an overlong slash', '%c0%af'],
    ['a byte order mark', '%ef%bb%bf'],
    ['a malformed escape', '%zz'],
    ['a plus', '+'],
    ['150 emoji', '%f0%9f%98%80'.repeat(150)],
    ['right-to-left', '%e2%80%ae%e2%80%8f'],
  ];

  test.each(ODD_TEXTS)('%s in every field: 401, and one row', async (_, text) => {
    const before = await environment.counts();
    const form = await openSignInForm(environment);
    const response = await environment.fetch(`${ORIGIN}/sign-in/`, {
      method: 'POST',
      body: `csrfmiddlewaretoken=${form.token}&username=${text}&password=${text}&next=${text}&remember_me=${text}&${text}=${text}`,
      headers: { 'Content-Type': FORM, Cookie: form.cookie, 'CF-Connecting-IP': freshAddress() },
    });
    expect(response.status).toBe(401);
    expect(await environment.counts()).toEqual({ ...before, logins: before.logins + 1 });
  });

  test("a name that is nearly a user's does not sign in with that user's password", async () => {
    const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
    const form = await openSignInForm(environment);
    const before = await environment.counts();
    for (const name of [
      `${username}\u200b`,
      `${username}.`,
      `${username}\u0000`,
      username.toUpperCase(),
      `${username}%`,
    ]) {
      const response = await form.submit({
        username: name,
        password: 'correct horse battery staple',
        remember_me: '',
      });
      expect(response.status, name).toBe(401);
    }
    expect((await environment.counts()).sessions).toBe(before.sessions);
  });
});

testAftermath(environment);
