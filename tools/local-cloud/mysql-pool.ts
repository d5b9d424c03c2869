import mysql, { type Pool } from 'mysql2/promise';

/** MySQL 8's default, which is what PlanetScale runs with. https://dev.mysql.com/doc/refman/8.0/en/sql-mode.html */
export const SQL_MODE =
  'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

type MysqlAddress = { url: string };

/** Enough for every request of a load test that has a transaction open. */
const CONNECTIONS = 64;

/** Connections to one database that behave like PlanetScale's: UTC, strict mode, found rows. */
export function createMysqlPool({ url }: MysqlAddress, database: string): Pool {
  const pool = mysql.createPool({
    uri: url,
    database,
    charset: 'utf8mb4_unicode_ci',
    connectionLimit: CONNECTIONS,
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    // Both would change what statements mean or may do.
    flags: ['FOUND_ROWS', '-IGNORE_SPACE', '-LOCAL_FILES'],
  });
  pool.on('connection', (connection) => {
    // Goes ahead of the statement that the connection was opened for. A failure shows in that statement.
    (connection as unknown as { query(sql: string, done: () => void): void }).query(
      `SET SESSION sql_mode = '${SQL_MODE}', time_zone = '+00:00'`,
      () => undefined,
    );
  });
  return pool;
}

/** Creates a database if it is missing. */
export function ensureDatabase(address: MysqlAddress, database: string): Promise<void> {
  return runAlone(address, 'CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [database]);
}

/** Drops a database with everything in it; nothing happens if there is none. */
export function dropDatabase(address: MysqlAddress, database: string): Promise<void> {
  return runAlone(address, 'DROP DATABASE IF EXISTS ??', [database]);
}

/** Runs one statement on a connection of its own. */
export async function runAlone({ url }: MysqlAddress, sql: string, values: unknown[] = []): Promise<void> {
  const connection = await mysql.createConnection({ uri: url });
  try {
    await connection.query(sql, values);
  } finally {
    await connection.end();
  }
}
