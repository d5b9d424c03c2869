import type { Connection } from 'mysql2/promise';
import {
  AGENT,
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

const USERS = 2_000;
const DAYS = 91;
const SIGN_INS_A_DAY = 2;
const LOGINS = USERS * DAYS * SIGN_INS_A_DAY;

// They end at `NOW`.
const START_MS = Date.parse('2026-08-24T12:00:00Z');
const STEP_MS = (DAYS * 86_400_000) / LOGINS;

const rows = (delayMs: string): string =>
  `FROM (SELECT n, n % ${USERS} AS u, ${START_MS} + n * ${STEP_MS} + ${delayMs} AS ms
         FROM (${numbers(LOGINS)}) AS numbers) AS signed_in`;

const LOAD_LOGINS = `
  INSERT INTO login_activity (id, user_id, username, outcome, session_id, ip_address, user_agent, country,
                              occurred_at, recorded_at)
  SELECT ${uuid(0)}, ${USER_ID}, ${USERNAME}, 'success', ${SESSION_ID}, ${HOME}, ${AGENT}, ${COUNTRY},
         ${sqlTime('ms')}, ${sqlTime('(ms + 120)')}
  ${rows('0')}`;

/** Up to 50 minutes after the sign-in. */
const LOAD_LOGOUTS = `
  INSERT INTO logout_activity (id, user_id, username, session_id, ip_address, user_agent, country, reason,
                               logged_out_at, recorded_at)
  SELECT ${uuid(1)}, ${USER_ID}, ${USERNAME}, ${SESSION_ID}, ${HOME}, ${AGENT}, ${COUNTRY}, 'logout',
         ${sqlTime('ms')}, ${sqlTime('(ms + 120)')}
  ${rows('n % 50 * 60000')}`;

/**
 * Fills the empty tables of schema.sql with 91 days of 2,000 users who sign in and out twice a day. The tables are not
 * analyzed: right after a restore or an import the server knows little about them, too.
 */
export async function loadDenseRows(one: Connection, other: Connection): Promise<void> {
  await Promise.all([
    fillTable(one, 'login_activity', LOAD_LOGINS),
    fillTable(other, 'logout_activity', LOAD_LOGOUTS),
  ]);
  await fillUsers(one, USERS);
}
