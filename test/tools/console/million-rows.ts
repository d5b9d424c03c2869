import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { parseSchema } from '../../../tools/hoskie/schema/parse-schema.ts';
import { splitStatements } from '../../../tools/local-cloud/sql-file.ts';

/** What every session takes for the time, UTC. The rows are spread over the year that ends two hours before it. */
export const NOW = '2026-11-23 12:00:00';

export const LOGINS = 600_000;
export const LOGOUTS = 400_000;
export const USERS = 29_989; // A prime: no two of the patterns below fall into step.

/** Signs in and out every 26 minutes: 20,000 sign-ins and as many sign-outs. */
export const BUSY_USER = { id: '1', username: 'demo' } as const;
/** An office: each 20th sign-in and sign-out, 50,000 rows of nearly all users. */
export const BUSY_ADDRESS = '203.0.113.7';

/** The part at the end in which each sign-in has its sign-out, so that a search for others must read all of it. */
const COMPLETE_FROM = LOGINS - 4_000;

const START_MS = Date.parse('2025-11-23T12:00:00Z');
const STEP_MS = 52_548;

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
];
const COUNTRIES = ['DE', 'FR', 'GB', 'US', 'NL', 'ES', 'IT', 'PL', 'SE', 'BR'];

const pick = (index: string, texts: readonly string[]): string =>
  `ELT(1 + ${index} % ${texts.length}, ${texts.map((text) => `'${text}'`).join(', ')})`;

/** A subquery of the numbers n from 0, in any order. MariaDB alone has sequence tables, so digits are joined. */
function numbers(count: number): string {
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');
  const places = [5, 4, 3, 2, 1, 0];
  const value = places.map((place) => `d${place}.d * ${10 ** place}`).join(' + ');
  const tables = places.map((place) => `(${digits}) AS d${place}`).join(' STRAIGHT_JOIN ');
  return `SELECT ${value} AS n FROM ${tables} HAVING n < ${count}`;
}

// Expressions over n, the number of a sign-in; u, the user's; ms, the time in Unix ms.

const USER = `IF(n % 30 = 0, 0, n * 7919 % ${USERS})`;
const USER_ID = 'u + 1';
const USERNAME = `IF(u = 0, '${BUSY_USER.username}', CONCAT('user', u + 1))`;
const SESSION_ID = 'LEFT(MD5(n), 26)';
const HOME = `IF(u % 4 = 0, LOWER(CONCAT('2001:db8:', HEX(u + 4096), ':1::', HEX(1 + n % 7))),
                            CONCAT('198.18.', u DIV 256, '.', u % 256))`;
const AGENT = pick('u', AGENTS);
/** Each user signs in from one country alone. */
const COUNTRY = pick('u', COUNTRIES);

const sqlTime = (ms: string): string =>
  `TIMESTAMP '2025-11-23 12:00:00' + INTERVAL (${ms} - ${START_MS}) * 1000 MICROSECOND`;
/** A UUIDv7, as the service makes them; the kind keeps those of the two tables apart. */
const uuid = (kind: number): string =>
  `LOWER(CONCAT(INSERT(LPAD(HEX(ms), 12, '0'), 9, 0, '-'), '-7${kind}00-8000-', LPAD(HEX(n), 12, '0')))`;

/** Two of three sign-ins are signed out; of the rest some fail, each from a place of its own, and some stay open. */
const FAILED = `(n % 3 = 2 AND (n >= ${COMPLETE_FROM} OR n DIV 3 % 4 = 1))`;

const LOAD_LOGINS = `
  INSERT INTO login_activity (id, user_id, username, outcome, session_id, ip_address, user_agent, country,
                              occurred_at, recorded_at)
  SELECT ${uuid(0)},
         IF(${FAILED} AND n % 5 = 0, NULL, ${USER_ID}),
         IF(${FAILED} AND n % 5 = 0, CONCAT('guess', n), ${USERNAME}),
         IF(${FAILED}, ELT(1 + n % 7 DIV 6, 'bad_credentials', 'throttled'), 'success'),
         IF(${FAILED}, NULL, ${SESSION_ID}),
         IF(n % 20 = 1 AND NOT ${FAILED}, '${BUSY_ADDRESS}', ${HOME}),
         ${AGENT}, ${COUNTRY}, ${sqlTime('ms')}, ${sqlTime('(ms + 120)')}
  FROM (SELECT n, ${USER} AS u, ${START_MS} + n * ${STEP_MS} AS ms
        FROM (${numbers(LOGINS)}) AS numbers) AS sign_ins`;

/** Ten minutes to an hour after the sign-in, from the same place. */
const LOAD_LOGOUTS = `
  INSERT INTO logout_activity (id, user_id, username, session_id, ip_address, user_agent, country, reason,
                               logged_out_at, recorded_at)
  SELECT ${uuid(1)}, ${USER_ID}, ${USERNAME}, ${SESSION_ID},
         IF(n % 20 = 1, '${BUSY_ADDRESS}', ${HOME}), ${AGENT}, ${COUNTRY},
         ELT(1 + n % 20 DIV 17, 'logout', 'replaced'), ${sqlTime('ms')}, ${sqlTime('(ms + 120)')}
  FROM (SELECT n, ${USER} AS u,
               ${START_MS} + n * ${STEP_MS} + (10 + n % 50) * 60000 AS ms
        FROM (SELECT n DIV 2 * 3 + n % 2 AS n FROM (${numbers(LOGOUTS)}) AS numbers) AS signed_out) AS sign_outs`;

/** All of them were there within the year. */
const LOAD_USERS = `
  INSERT INTO users (id, username, password_hash, email, last_login_at, created_at)
  SELECT ${USER_ID}, ${USERNAME},
         CONCAT('bcrypt_sha256$$2b$10$', LEFT(CONCAT(MD5(u), MD5(-u)), 53)), CONCAT('user', u + 1, '@example.org'),
         '2026-11-01 08:00:00', '2024-11-01 08:00:00'
  FROM (SELECT n AS u FROM (${numbers(USERS)}) AS numbers) AS people`;

/**
 * Fills the empty tables of schema.sql with a year of activity: a million rows, the same each time, on two
 * connections at once. Nothing in it is an answer to what operators look for: that is planted by each test.
 */
export async function loadMillionRows(one: Connection, other: Connection): Promise<void> {
  const load = async (connection: Connection, table: string, statement: string): Promise<void> => {
    const indexes = secondaryIndexes(table);
    const each = (change: (index: (typeof indexes)[number]) => string) => indexes.map(change).join(', ');
    // Rows into the bare table and then the indexes, each sorted as a whole, take half of the time.
    await connection.query('SET SESSION unique_checks = 0, foreign_key_checks = 0');
    await connection.query(`ALTER TABLE ${table} ${each(({ name }) => `DROP KEY ${name}`)}`);
    await connection.query(statement);
    await connection.query(`ALTER TABLE ${table} ${each(({ text }) => `ADD ${text}`)}`);
    await connection.query('SET SESSION unique_checks = 1, foreign_key_checks = 1');
    await connection.query(`ANALYZE TABLE ${table}`);
  };
  await Promise.all([load(one, 'login_activity', LOAD_LOGINS), load(other, 'logout_activity', LOAD_LOGOUTS)]);
  await one.query(LOAD_USERS);
  await one.query('ANALYZE TABLE users');
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
