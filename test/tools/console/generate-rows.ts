import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { parseSchema } from '../../../tools/hoskie/schema/parse-schema.ts';
import { splitStatements } from '../../../tools/local-cloud/sql-file.ts';

/** What every session takes for the time, UTC. */
export const NOW = '2026-11-23 12:00:00';

/** Signs in and out more often than any other user of the million rows. */
export const BUSY_USER = { id: '1', username: 'demo' } as const;
/** An office: many sign-ins and sign-outs of many users. */
export const BUSY_ADDRESS = '203.0.113.7';

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
];
const COUNTRIES = ['DE', 'FR', 'GB', 'US', 'NL', 'ES', 'IT', 'PL', 'SE', 'BR'];

const pick = (index: string, texts: readonly string[]): string =>
  `ELT(1 + ${index} % ${texts.length}, ${texts.map((text) => `'${text}'`).join(', ')})`;

/** A subquery of the numbers n from 0, in any order. Only MariaDB has sequence tables, so digits are joined. */
export function numbers(count: number): string {
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');
  const places = [5, 4, 3, 2, 1, 0];
  const value = places.map((place) => `d${place}.d * ${10 ** place}`).join(' + ');
  const tables = places.map((place) => `(${digits}) AS d${place}`).join(' STRAIGHT_JOIN ');
  return `SELECT ${value} AS n FROM ${tables} HAVING n < ${count}`;
}

// Expressions over n, the number of a sign-in; u, the user's; ms, the time in Unix ms.

export const USER_ID = 'u + 1';
export const USERNAME = `IF(u = 0, '${BUSY_USER.username}', CONCAT('user', u + 1))`;
export const SESSION_ID = 'LEFT(SHA2(n, 256), 26)';
export const HOME = `IF(u % 4 = 0, LOWER(CONCAT('2001:db8:', HEX(u + 4096), ':1::', HEX(1 + n % 7))),
                            CONCAT('198.18.', u DIV 256, '.', u % 256))`;
export const AGENT = pick('u', AGENTS);
/** Each user signs in from one country alone. */
export const COUNTRY = pick('u', COUNTRIES);

const EPOCH_MS = Date.parse('2025-11-23T12:00:00Z');

export const sqlTime = (ms: string): string =>
  `TIMESTAMP '2025-11-23 12:00:00' + INTERVAL (${ms} - ${EPOCH_MS}) * 1000 MICROSECOND`;
/** A UUIDv7, as the service makes them; the kind keeps those of the two tables apart. */
export const uuid = (kind: number): string =>
  `LOWER(CONCAT(INSERT(LPAD(HEX(ms), 12, '0'), 9, 0, '-'), '-7${kind}00-8000-', LPAD(HEX(n), 12, '0')))`;

/** Fills an empty activity table: rows first, then each index as a whole, which takes half of the time. */
export async function fillTable(connection: Connection, table: string, insert: string): Promise<void> {
  const indexes = secondaryIndexes(table);
  const each = (change: (index: (typeof indexes)[number]) => string) => indexes.map(change).join(', ');
  await connection.query('SET SESSION unique_checks = 0, foreign_key_checks = 0');
  await connection.query(`ALTER TABLE ${table} ${each(({ name }) => `DROP KEY ${name}`)}`);
  await connection.query(insert);
  await connection.query(`ALTER TABLE ${table} ${each(({ text }) => `ADD ${text}`)}`);
  await connection.query('SET SESSION unique_checks = 1, foreign_key_checks = 1');
}

/** Fills the table of users, all of whom are two years old and were there within the last month. */
export async function fillUsers(connection: Connection, count: number): Promise<void> {
  await connection.query(`
    INSERT INTO users (id, username, password_hash, email, last_login_at, created_at)
    SELECT ${USER_ID}, ${USERNAME}, CONCAT('bcrypt_sha256$$2b$10$', LEFT(SHA2(u, 256), 53)),
           CONCAT('user', u + 1, '@example.org'), '2026-11-01 08:00:00', '2024-11-01 08:00:00'
    FROM (SELECT n AS u FROM (${numbers(count)}) AS numbers) AS people`);
}

/** The indexes that schema.sql gives a table, but for the primary key. */
export function secondaryIndexes(table: string): { name: string; text: string }[] {
  const path = join(import.meta.dirname, '../../../schema.sql');
  const indexes = parseSchema(splitStatements(readFileSync(path, 'utf8'))).get(table)?.indexes ?? [];
  return [...indexes]
    .filter(([name]) => name !== 'PRIMARY')
    .map(([name, { columns, isUnique }]) => ({
      name,
      text: `${isUnique ? 'UNIQUE ' : ''}KEY ${name} (${columns.join(', ')})`,
    }));
}
