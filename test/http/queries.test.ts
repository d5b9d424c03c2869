import { describe, expect, test } from 'vitest';
import { NAUGHTY, SQL_AND_LUA } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { jsonCaller } from '../support/json-caller.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();
const { bearer } = jsonCaller(environment);

test('hostile limits, cursors, scopes and ids are 400 or 404, and MySQL gets valid times only', async () => {
  const authorization = { Authorization: `Bearer ${await bearer()}` };
  const before = await environment.counts();
  environment.cloud.calls.length = 0;
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
      (await environment.fetch(ORIGIN + path, { method, headers: authorization })).status;
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
    const response = await environment.fetch(`${ORIGIN}/api/v1/logouts?${query}`, { headers: authorization });
    expect([200, 400], query).toContain(response.status);
  }
  await environment.cloud.settled();
  // MySQL, unlike MariaDB, rejects a comparison with text that isn't a time.
  const statements = environment.cloud.calls.flatMap((each) => (each.store === 'mysql' ? [each.sql] : []));
  const times = statements.flatMap((sql) =>
    [...sql.matchAll(/logged_out_at [<=] '([^']*)'/g)].map(([, time]) => time),
  );
  expect(times.length).toBeGreaterThan(0);
  expect(times.filter((time) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(time ?? ''))).toEqual([]);
  expect(await environment.counts()).toEqual(before);
});

describe('names that every object inherits', () => {
  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'])(
    '?done=%s shows no notice',
    async (word) => {
      const { visitor } = await environment.seedVisitor();
      const page = await visitor.get(`/sessions/?done=${word}`);
      expect(page.status).toBe(200);
      expect(page.body).not.toContain('role="status"');
    },
  );
});

testAftermath(environment);
