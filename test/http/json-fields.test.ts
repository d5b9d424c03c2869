import { expect, test } from 'vitest';
import { jsonCaller } from '../support/json-caller.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { freshAddress } from '../support/sign-in-form.ts';
import { streamOf } from '../support/stream-of.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();
const { call, bearer } = jsonCaller(environment);

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
] as const)(
  '%s of a wrong type, with half a character or too long: 400 that names it',
  async (field, route) => {
    await bearer();
    const before = await environment.counts();
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
      // Null means none for the one; true and false are valid for the other.
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
    expect(await environment.counts()).toMatchObject({ sessions: before.sessions, logins: before.logins });
  },
);

test('a field twice: the last one counts, and is validated', async () => {
  const double = '{"username":"no-one-here","password":"x","password":["x"]}';
  expect((await call('sign in', double)).status).toBe(400);
});

test('64 KiB are read, one byte more is a 413, in pieces too', async () => {
  const filler = (size: number): string => {
    const [head, tail] = ['{"username":"no-one-here","password":"x","x":"', '"}'];
    return head + 'y'.repeat(size - head.length - tail.length) + tail;
  };
  const sendInPieces = async (text: string): Promise<number> => {
    const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() };
    const init = { method: 'POST', body: streamOf(text), duplex: 'half', headers } as const;
    return (await environment.fetch(`${ORIGIN}/api/v1/sessions`, init)).status;
  };
  const [most, tooMuch] = [filler(64 * 1024), filler(64 * 1024 + 1)];
  expect([(await call('sign in', most)).status, await sendInPieces(most)]).toEqual([401, 401]);
  expect([(await call('sign in', tooMuch)).status, await sendInPieces(tooMuch)]).toEqual([413, 413]);
});

test('a space before the parameters of the content type is fine', async () => {
  const body = JSON.stringify({ username: 'no-one-here', password: 'x' });
  const { status } = await call('sign in', body, { 'Content-Type': 'application/json ; charset=utf-8' });
  expect([401, 415]).toContain(status);
});

testAftermath(environment);
