import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { applySqlFile } from '../../../tools/local-cloud/sql-file.ts';
import { openCloud } from '../../support/cloud.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

const VIEWS_FILE = join(import.meta.dirname, '../../../schema-views.sql');
const VIEWS = ['open_sessions', 'recent_failures', 'sessions_of_user', 'sign_outs_today'];
const COMPLETE = '-- The database has everything in schema.sql.\n';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  await cloud.query(`DROP VIEW IF EXISTS ${VIEWS.join(', ')}`);
});

const findViews = () =>
  cloud.query(
    `SELECT table_name AS name, security_type AS security FROM information_schema.views
     WHERE table_schema = DATABASE() ORDER BY table_name`,
  );
const diff = () => runJson(cloud, ['schema', 'diff']);

test('views come from apply --views alone, also again and over others of that name', async () => {
  expect(await runCli(cloud, ['schema', 'apply'])).toMatchObject({ exitCode: 0, stdout: COMPLETE });
  expect(await findViews()).toEqual([]);

  const first = await runCli(cloud, ['schema', 'apply', '--views']);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toBe(`${COMPLETE}-- The views of schema-views.sql: created or replaced.\n`);
  await cloud.query('CREATE OR REPLACE VIEW open_sessions AS SELECT 1 AS another');
  expect(await runJson(cloud, ['schema', 'apply', '--views'])).toEqual({ applied: [], left: [] });
  expect(await findViews()).toEqual(VIEWS.map((name) => ({ name, security: 'INVOKER' })));
  expect(await cloud.query('SELECT session_id FROM open_sessions')).toEqual([]);
});

test('views are no difference, nor in the way of what is added to their tables', async () => {
  await applySqlFile(cloud, VIEWS_FILE);
  expect(await diff()).toEqual({ differences: [] });
  await cloud.query('ALTER TABLE login_activity DROP KEY login_activity_ip, DROP COLUMN ip_address');
  const { applied } = await runJson<{ applied: { name: string }[] }>(cloud, ['schema', 'apply']);
  expect(applied.map(({ name }) => name)).toEqual([
    'login_activity.ip_address',
    'login_activity.login_activity_ip',
  ]);
  expect(await diff()).toEqual({ differences: [] });
  expect(await cloud.query('SELECT ip_address FROM sessions_of_user')).toEqual([]);
});

test('a view that MySQL refuses is reported in one line, after the tables were added', async () => {
  await cloud.query('ALTER TABLE users DROP COLUMN email');
  await cloud.query('CREATE TABLE open_sessions (id INT)');
  const result = await runCli(cloud, ['schema', 'apply', '--views']);
  await cloud.query('DROP TABLE open_sessions');
  expectFailure(result, 4, /MySQL refuses the request \(errno 1347\)/);
  expect(result.stdout).toBe(`-- users.email: added\n${COMPLETE}`);
  expect(await diff()).toEqual({ differences: [] });
});
