import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LOGIN_OUTCOMES, LOGOUT_REASONS } from '../../src/activity/events.ts';
import { fillIn, type Added } from '../../tools/demo/fill-in.ts';
import { applySqlFile } from '../../tools/local-cloud/sql-file.ts';
import { openCloud } from '../support/cloud.ts';
import { addUser } from '../support/people.ts';
import { SECRET_KEY } from '../support/worker.ts';
import { readOperatorsPage } from './console/operators-page.ts';
import { runCli } from './hoskie/run-cli.ts';

// `npm run dev -- --demo`.

const NOW_MS = Date.now();
const DAY_MS = 24 * 3600 * 1000;

/** Of today only, which may just have begun; of old rows; of none of our tables. */
const WITHOUT_DEMO = [
  'Sign-outs today',
  'How large the tables are',
  'Delete old sign-outs by hand',
  'Delete old sign-ins by hand',
];

let cloud: Awaited<ReturnType<typeof openCloud>>;
let added: Added;

beforeAll(async () => {
  cloud = await openCloud();
  await applySqlFile(cloud, join(import.meta.dirname, '../../schema-views.sql'));
  await addUser(cloud, { username: 'demo' });
  added = await fillIn(cloud, SECRET_KEY, NOW_MS);
});
afterAll(() => cloud.stop());

const count = async (what: string): Promise<number> =>
  Number((await cloud.query(`SELECT COUNT(*) AS n FROM ${what}`))[0]?.['n']);

test('reports what it added', async () => {
  expect(added.users).toBe((await count('users')) - 1);
  expect(added.logins).toBe(await count('login_activity'));
  expect(added.logouts).toBe(await count('logout_activity'));
  expect(added.sessions).toBe(await count('open_sessions'));
  expect(added.logouts).toBeGreaterThan(300);
});

test('adds nothing the second time', async () => {
  expect(await fillIn(cloud, SECRET_KEY, NOW_MS)).toEqual({ users: 0, logins: 0, logouts: 0, sessions: 0 });
});

test('a sign-in whose row an interrupted start could not write stays in the outbox', async () => {
  const other = await openCloud();
  try {
    await addUser(other, { username: 'demo' });
    const query: typeof other.query = (sql, values) =>
      sql.startsWith('INSERT INTO login_activity')
        ? Promise.reject(new Error('interrupted'))
        : other.query(sql, values);
    await expect(fillIn({ ...other, query }, SECRET_KEY, NOW_MS)).rejects.toThrow('interrupted');
    await fillIn(other, SECRET_KEY, NOW_MS);
    const { stdout } = await runCli(other, ['outbox', 'deliver', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ delivered: added.sessions });
  } finally {
    await other.stop();
  }
});

test('has every reason and every outcome, of the past month, and nothing of the future', async () => {
  const values = async (column: string, table: string) =>
    (await cloud.query(`SELECT DISTINCT ${column} AS value FROM ${table}`)).map(({ value }) => value);
  expect(new Set(await values('reason', 'logout_activity'))).toEqual(new Set(LOGOUT_REASONS));
  expect(new Set(await values('outcome', 'login_activity'))).toEqual(new Set(LOGIN_OUTCOMES));
  const span = 'BETWEEN UTC_TIMESTAMP() - INTERVAL 32 DAY AND UTC_TIMESTAMP()';
  expect(await count(`logout_activity WHERE NOT (logged_out_at ${span} AND recorded_at ${span})`)).toBe(0);
  expect(await count(`login_activity WHERE NOT (occurred_at ${span})`)).toBe(0);
});

test('the demo user is signed in on several devices', async () => {
  expect(await count("open_sessions WHERE username = 'demo'")).toBe(4);
  const { stdout } = await runCli(cloud, ['session', 'list', 'demo', '--json']);
  expect(stdout.match(/"id"/g)).toHaveLength(4);
  expect(stdout).toContain("Dana's iPhone");
});

test('the record is complete, and the index right', async () => {
  for (const command of ['record', 'index'])
    expect(await runCli(cloud, [command, 'check'])).toMatchObject({ exitCode: 0 });
});

test.each([...readOperatorsPage().statements].filter(([title]) => !WITHOUT_DEMO.includes(title)))(
  'docs/operators.md, "%s": finds something',
  async (_, statement) => {
    expect(await cloud.query(statement)).not.toEqual([]);
  },
);

test('a day later, that day is added', async () => {
  const later = await fillIn(cloud, SECRET_KEY, NOW_MS + DAY_MS);
  expect(later.users).toBe(0);
  expect(later.logins).toBeGreaterThan(10);
  expect(later.logins).toBeLessThan(100);
});
