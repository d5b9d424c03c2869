import type { Connection } from 'mysql2/promise';
import {
  AGENT,
  BUSY_ADDRESS,
  COUNTRY,
  fillTable,
  fillUsers,
  HOME,
  numbers,
  SESSION_ID,
  sqlTime,
  USER_ID,
  USERNAME,
  uuid,
} from './generate-rows.ts';

// Spread over the year that ends two hours before `NOW`. `BUSY_USER` signs in and out every 26 minutes: 20,000 sign-ins
// and as many sign-outs. From `BUSY_ADDRESS` comes each 20th sign-in and sign-out: 50,000 rows of nearly all users.

export const LOGINS = 600_000;
export const LOGOUTS = 400_000;
const USERS = 29_989; // A prime: no two of the patterns below fall into step.

/** The part at the end in which each sign-in has its sign-out, so that a search for others must read all of it. */
const COMPLETE_FROM = LOGINS - 4_000;

const START_MS = Date.parse('2025-11-23T12:00:00Z');
const STEP_MS = 52_548;

const USER = `IF(n % 30 = 0, 0, n * 7919 % ${USERS})`;

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

/**
 * Fills the empty tables of schema.sql with a year of activity: a million rows, the same each time, on two
 * connections at once. Nothing in it is an answer to what operators look for: that is planted by each test.
 */
export async function loadMillionRows(one: Connection, other: Connection): Promise<void> {
  await Promise.all([
    fillTable(one, 'login_activity', LOAD_LOGINS),
    fillTable(other, 'logout_activity', LOAD_LOGOUTS),
  ]);
  await fillUsers(one, USERS);
  await one.query('ANALYZE TABLE users, login_activity, logout_activity');
}
