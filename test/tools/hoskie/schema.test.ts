import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());

/** Without Redis, which tables don't need. */
const options = () => ({ env: { DATABASE_URL: cloud.env.DATABASE_URL } });

interface DiffJson {
  differences: { kind: string; name: string; wanted: string | null; found: string | null }[];
}

test('diff shows what is missing, apply creates it, and diff finds no more', async () => {
  const empty = await runJson<DiffJson>(cloud, ['schema', 'diff'], { exitCode: 1, ...options() });
  expect(empty.differences.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'missing_table users',
    'missing_table deleted_users',
    'missing_table logout_activity',
    'missing_table login_activity',
  ]);
  const tables = (created: boolean) => ({
    tables: ['users', 'deleted_users', 'logout_activity', 'login_activity'].map((name) => ({
      name,
      created,
    })),
  });
  expect(await runJson(cloud, ['schema', 'apply'], options())).toEqual(tables(true));
  expect(await runJson(cloud, ['schema', 'apply'], options())).toEqual(tables(false));
  const content = await runCli(cloud, ['schema', 'diff'], options());
  expect(content).toMatchObject({ exitCode: 0, stdout: 'The database has everything in schema.sql.\n' });
});

test('diff shows other types and collations, missing columns and indexes; extra ones are no difference', async () => {
  for (const statement of [
    'ALTER TABLE users DROP COLUMN email, ADD COLUMN nickname VARCHAR(20) NULL',
    'ALTER TABLE users MODIFY username VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL',
    'ALTER TABLE logout_activity MODIFY ip_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL',
    'ALTER TABLE logout_activity DROP KEY logout_activity_ip',
    'ALTER TABLE users DROP KEY users_username, ADD KEY users_username (username)',
    // The name of an index doesn't matter.
    'ALTER TABLE login_activity RENAME INDEX login_activity_ip TO by_ip',
  ]) {
    await cloud.query(statement);
  }
  const { differences } = await runJson<DiffJson>(cloud, ['schema', 'diff'], { exitCode: 1, ...options() });
  expect(differences).toEqual([
    {
      kind: 'different_column',
      name: 'users.username',
      wanted: 'varchar(150) utf8mb4_bin not null',
      found: 'varchar(100) utf8mb4_general_ci not null',
    },
    {
      kind: 'missing_column',
      name: 'users.email',
      wanted: 'varchar(254) utf8mb4_general_ci null',
      found: null,
    },
    {
      kind: 'different_index',
      name: 'users.users_username',
      wanted: 'unique (username)',
      found: '(username)',
    },
    {
      kind: 'different_column',
      name: 'logout_activity.ip_address',
      wanted: 'varchar(45) ascii_bin null',
      found: 'varchar(45) ascii_bin not null',
    },
    {
      kind: 'missing_index',
      name: 'logout_activity.logout_activity_ip',
      wanted: '(ip_address, logged_out_at)',
      found: null,
    },
  ]);
});

test('wrong credentials are reported and not shown', async () => {
  const wrong = cloud.env.DATABASE_URL.replace(/:[^:@]+@/, ':a-wrong-secret@');
  const result = await runCli(cloud, ['schema', 'diff'], { env: { DATABASE_URL: wrong } });
  expectFailure(result, 2, 'MySQL refuses the request');
  expect(result.stderr).not.toContain('a-wrong-secret');
});
