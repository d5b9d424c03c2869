import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { applySqlFile, splitStatements } from '../../../tools/local-cloud/sql-file.ts';
import { openCloud } from '../../support/cloud.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());

/** Without Redis, which tables don't need. */
const options = () => ({ env: { DATABASE_URL: cloud.env.DATABASE_URL } });

interface DifferenceJson {
  kind: string;
  name: string;
  wanted: string | null;
  found: string | null;
  statement: string;
  onlyAdds: boolean;
}
interface DiffJson {
  differences: DifferenceJson[];
}
interface ApplyJson {
  applied: DifferenceJson[];
  left: DifferenceJson[];
}
const names = (differences: readonly DifferenceJson[]): string[] => differences.map(({ name }) => name);
const diff = (exitCode: number) => runJson<DiffJson>(cloud, ['schema', 'diff'], { exitCode, ...options() });
const apply = (exitCode: number) =>
  runJson<ApplyJson>(cloud, ['schema', 'apply'], { exitCode, ...options() });

const SCHEMA_FILE = join(import.meta.dirname, '../../../schema.sql');
const TABLES = ['users', 'deleted_users', 'logout_activity', 'login_activity'];
const COMPLETE = '-- The database has everything in schema.sql.\n';

async function change(...statements: string[]): Promise<void> {
  for (const statement of statements) await cloud.query(statement);
}

/** Runs what `schema diff` prints, as the MySQL client does with a file. */
async function runPrinted(): Promise<void> {
  const { stdout } = await runCli(cloud, ['schema', 'diff'], options());
  await change(...splitStatements(stdout));
}

beforeEach(async () => {
  await change(...TABLES.map((table) => `DROP TABLE IF EXISTS ${table}`));
});

describe('an empty database', () => {
  test('gets all tables from apply, which may be repeated', async () => {
    const first = await apply(0);
    expect([names(first.applied), first.left]).toEqual([TABLES, []]);
    expect(await apply(0)).toEqual({ applied: [], left: [] });
  });

  test('gets them from the statements that diff prints, too', async () => {
    expect(names((await diff(1)).differences)).toEqual(TABLES);
    await runPrinted();
    const complete = await runCli(cloud, ['schema', 'diff'], options());
    expect(complete).toMatchObject({ exitCode: 0, stdout: COMPLETE });
  });
});

describe('a database that lacks what was added since', () => {
  beforeEach(async () => {
    await applySqlFile(cloud, SCHEMA_FILE);
    await change(
      "INSERT INTO users (username, password_hash) VALUES ('ann', '!')",
      'ALTER TABLE login_activity DROP KEY login_activity_ip',
      'ALTER TABLE login_activity DROP COLUMN ip_address',
      'ALTER TABLE users DROP COLUMN email, DROP COLUMN is_active',
      'ALTER TABLE users DROP KEY users_username',
      'ALTER TABLE users ADD COLUMN nickname VARCHAR(20) NULL',
    );
  });
  const MISSING = [
    'users.email',
    'users.is_active',
    'users.users_username',
    'login_activity.ip_address',
    'login_activity.login_activity_ip',
  ];

  test('gets columns and indexes from apply; rows and extra columns stay', async () => {
    const { applied, left } = await apply(0);
    expect([names(applied), left]).toEqual([MISSING, []]);
    expect(await diff(0)).toEqual({ differences: [] });
    expect(await cloud.query('SELECT username, email, is_active, nickname FROM users')).toEqual([
      { username: 'ann', email: null, is_active: 1, nickname: null },
    ]);
  });

  test('gets them with the words of schema.sql from the statements that diff prints', async () => {
    const { stdout } = await runCli(cloud, ['schema', 'diff'], options());
    expect(stdout).toContain(
      '-- missing column users.is_active: tinyint not null\n' +
        "ALTER TABLE users ADD COLUMN is_active TINYINT(1) NOT NULL DEFAULT 1 COMMENT '0: may not sign in;",
    );
    expect(stdout).toContain(
      '-- missing index login_activity.login_activity_ip: (ip_address, occurred_at)\n' +
        'ALTER TABLE login_activity ADD KEY login_activity_ip (ip_address, occurred_at);\n',
    );
    await runPrinted();
    expect(await diff(0)).toEqual({ differences: [] });
  });

  test('apply reports a unique index that the rows refuse, and adds the rest', async () => {
    await change("INSERT INTO users (username, password_hash) VALUES ('ann', '!')");
    const { applied, left } = await apply(1);
    expect(names(applied)).toEqual(MISSING.filter((name) => name !== 'users.users_username'));
    expect(left).toEqual([
      {
        kind: 'missing_index',
        name: 'users.users_username',
        wanted: 'unique (username)',
        found: null,
        statement: 'ALTER TABLE users ADD UNIQUE KEY users_username (username)',
        onlyAdds: true,
      },
    ]);
  });

  test('an addition whose reply is lost counts as made', async () => {
    cloud.faults.set('mysql', {
      kind: 'lose-answer',
      match: (call) => call.store === 'mysql' && call.sql.includes('ADD COLUMN email'),
      times: 1,
    });
    const { applied } = await apply(0);
    cloud.faults.clear();
    expect(names(applied)).toEqual(MISSING);
  });
});

describe('a database that differs', () => {
  beforeEach(async () => {
    await applySqlFile(cloud, SCHEMA_FILE);
    await change(
      'ALTER TABLE users MODIFY username VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL',
      'ALTER TABLE logout_activity MODIFY ip_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL',
      'ALTER TABLE users DROP KEY users_username, ADD KEY users_username (username)',
      // NOT NULL without a default: rows that are there have no value for it, nor does older code.
      'ALTER TABLE login_activity DROP KEY login_activity_username, DROP COLUMN username',
      // The name of an index doesn't matter.
      'ALTER TABLE login_activity RENAME INDEX login_activity_ip TO by_ip',
    );
  });

  test('is shown with what is wanted, what is found and what to run', async () => {
    const { differences } = await diff(1);
    const definition = "VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT '";
    expect(differences).toEqual([
      {
        kind: 'different_column',
        name: 'users.username',
        wanted: 'varchar(150) utf8mb4_bin not null',
        found: 'varchar(100) utf8mb4_general_ci not null',
        statement: expect.stringContaining(
          `ALTER TABLE users MODIFY COLUMN username ${definition}`,
        ) as string,
        onlyAdds: false,
      },
      {
        kind: 'different_index',
        name: 'users.users_username',
        wanted: 'unique (username)',
        found: '(username)',
        statement: 'ALTER TABLE users DROP KEY users_username, ADD UNIQUE KEY users_username (username)',
        onlyAdds: false,
      },
      {
        kind: 'different_column',
        name: 'logout_activity.ip_address',
        wanted: 'varchar(45) ascii_bin null',
        found: 'varchar(45) ascii_bin not null',
        statement: expect.stringContaining('ALTER TABLE logout_activity MODIFY COLUMN ip_address ') as string,
        onlyAdds: false,
      },
      {
        kind: 'missing_column',
        name: 'login_activity.username',
        wanted: 'varchar(150) utf8mb4_bin not null',
        found: null,
        statement: expect.stringContaining(
          `ALTER TABLE login_activity ADD COLUMN username ${definition}`,
        ) as string,
        onlyAdds: false,
      },
      {
        kind: 'missing_index',
        name: 'login_activity.login_activity_username',
        wanted: '(username, occurred_at)',
        found: null,
        statement: 'ALTER TABLE login_activity ADD KEY login_activity_username (username, occurred_at)',
        onlyAdds: false,
      },
    ]);
  });

  test('is left as it is by apply, which lists it, adds the rest and fails', async () => {
    await change('ALTER TABLE users DROP COLUMN email');
    const before = names((await diff(1)).differences);
    const { exitCode, stdout } = await runCli(cloud, ['schema', 'apply'], options());
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^-- users\.email: added\n-- Not run/);
    expect(stdout).toContain('\nALTER TABLE users MODIFY COLUMN username ');
    expect(names((await diff(1)).differences)).toEqual(before.filter((name) => name !== 'users.email'));
  });

  test('is as wanted after the statements that diff prints', async () => {
    await runPrinted();
    expect(await diff(0)).toEqual({ differences: [] });
  });
});

test('wrong credentials are reported and not shown', async () => {
  const wrong = cloud.env.DATABASE_URL.replace(/:[^:@]+@/, ':a-wrong-secret@');
  const result = await runCli(cloud, ['schema', 'diff'], { env: { DATABASE_URL: wrong } });
  expectFailure(result, 2, 'MySQL refuses the request');
  expect(result.stderr).not.toContain('a-wrong-secret');
});
