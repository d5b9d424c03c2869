import { join } from 'node:path';
import { hashPassword } from '../../../src/auth/password.ts';
import { newSecret } from '../../local-cloud/credentials.ts';
import { startLocalCloud, type LocalCloud } from '../../local-cloud/local-cloud.ts';
import { applySqlFile } from '../../local-cloud/sql-file.ts';
import { bundleWorker, OUTPUT, ROOT, type Bundle } from '../bundles.ts';
import { BCRYPT_ROUNDS, PASSWORD, userIdOf, usernameOf } from '../people.ts';

/** Everybody who signs in or out: each event of a backlog belongs to one of them. */
export const PEOPLE = 100_000;
const INSERT_BATCH = 5000;

/**
 * What a server for a million rows has, instead of the few megabytes that tests are content with. The second is
 * MariaDB's name, the third MySQL's: the server knows one of them.
 */
const MYSQL_SIZES = [
  'SET GLOBAL innodb_buffer_pool_size = 2147483648',
  'SET GLOBAL innodb_log_file_size = 1073741824',
  'SET GLOBAL innodb_redo_log_capacity = 1073741824',
];

/** The service's bundle and the stores that it is to work on. */
export interface ScaleStage {
  cloud: LocalCloud;
  bundle: Bundle;
  bindings: Readonly<Record<string, string>>;
  secretKey: string;
}

/** Fresh stores with all people in them, beside those of the benchmark. */
export async function openScaleStage(): Promise<ScaleStage> {
  const cloud = await startLocalCloud({
    directory: join(OUTPUT, 'scale-cloud'),
    templates: join(ROOT, '.local/mysql-templates'),
    databaseName: 'scale',
    fresh: true,
  });
  try {
    // Written to the disk behind the measurements otherwise.
    await cloud.redis.config('SET', 'appendonly', 'no');
    for (const statement of MYSQL_SIZES) await cloud.query(statement).catch(() => undefined);
    await applySqlFile(cloud, join(ROOT, 'schema.sql'));
    await addPeople(cloud);
    const secretKey = newSecret();
    const bundle = bundleWorker('scale-service', join(ROOT, 'src/index.ts'));
    return { cloud, bundle, bindings: { ...cloud.env, SECRET_KEY: secretKey }, secretKey };
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}

async function addPeople(cloud: LocalCloud): Promise<void> {
  const hash = await hashPassword(PASSWORD, BCRYPT_ROUNDS);
  for (let first = 0; first < PEOPLE; first += INSERT_BATCH) {
    const rows = Array.from({ length: INSERT_BATCH }, (_, i) => [
      userIdOf(first + i),
      usernameOf(first + i),
      hash,
    ]);
    await cloud.query('INSERT INTO users (id, username, password_hash) VALUES ?', [rows]);
  }
}

/** Empties Redis and both activity tables, and forgets the calls. */
export async function emptyStores(cloud: LocalCloud): Promise<void> {
  await cloud.redis.flushdb();
  for (const table of ['login_activity', 'logout_activity']) await cloud.query(`TRUNCATE TABLE ${table}`);
  await cloud.query('UPDATE users SET last_login_at = NULL');
  cloud.calls.length = 0;
}

/** The number in the first column of the first row. */
export async function readNumber(cloud: LocalCloud, sql: string): Promise<number> {
  const [row] = await cloud.query(sql);
  return Number(Object.values(row ?? {})[0]);
}
