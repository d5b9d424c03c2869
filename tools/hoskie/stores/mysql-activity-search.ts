import { storeUnavailable } from '../../../src/errors.ts';
import type { Row, SqlClient } from '../../../src/store/sql-client.ts';
import { fromSqlTime, toSqlTime } from '../../../src/store/sql-time.ts';
import { textOf, textOrNull } from '../../../src/lib/text.ts';
import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import {
  LOGIN_COLUMNS,
  LOGOUT_COLUMNS,
  readCommon,
  readLogout,
} from '../../../src/activity/mysql-activity-log.ts';
import type { ActivityFilter, ActivitySearch, Recorded } from './activity-search.ts';
import type { LoginActivity, LoginOutcome } from '../../../src/activity/events.ts';

const TABLES = {
  logouts: { name: 'logout_activity', columns: LOGOUT_COLUMNS, detail: 'reason', time: 'logged_out_at' },
  logins: { name: 'login_activity', columns: LOGIN_COLUMNS, detail: 'outcome', time: 'occurred_at' },
} as const;
type Table = (typeof TABLES)[keyof typeof TABLES];

/** Searches the activity tables of schema.sql. */
export function mysqlActivitySearch(sql: SqlClient): ActivitySearch {
  const search = async (table: Table, filter: ActivityFilter<string>): Promise<Row[]> => {
    const { conditions, values } = conditionsOf(table, filter);
    const order =
      filter.recordedFromMs === null
        ? `${table.time} DESC, ${table.detail} DESC, id DESC`
        : 'recorded_at, id';
    const { rows } = await sql.execute(
      `SELECT ${table.columns}, recorded_at FROM ${table.name}
       WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${filter.limit}`,
      values,
    );
    return rows;
  };

  const count = async (table: Table, filter: ActivityFilter<string>): Promise<number> => {
    const { conditions, values } = conditionsOf(table, filter);
    const where = conditions.join(' AND ');
    const { rows } = await sql.execute(`SELECT COUNT(*) AS n FROM ${table.name} WHERE ${where}`, values);
    return Number(textOf(rows[0]?.['n']));
  };

  return {
    countLogouts: (filter) => count(TABLES.logouts, filter),
    countLogins: (filter) => count(TABLES.logins, filter),
    logouts: async (filter) => (await search(TABLES.logouts, filter)).map(recorded(readLogout)),
    logins: async (filter) => (await search(TABLES.logins, filter)).map(recorded(readLogin)),

    async nowMs() {
      const { rows } = await sql.execute('SELECT CURRENT_TIMESTAMP(3) AS now_at', []);
      const nowMs = fromSqlTime(rows[0]?.['now_at']);
      if (nowMs === null) throw storeUnavailable('database', 'protocol');
      return nowMs;
    },

    async findOwner(sessionId) {
      const { rows } = await sql.execute(
        'SELECT user_id FROM login_activity WHERE session_id = ? AND user_id IS NOT NULL LIMIT 1',
        [sessionId],
      );
      return textOrNull(rows[0]?.['user_id']) as UserId | null;
    },

    async findLogout(sessionId) {
      const { rows } = await sql.execute(
        `SELECT ${LOGOUT_COLUMNS}, recorded_at FROM logout_activity WHERE session_id = ? LIMIT 1`,
        [sessionId],
      );
      return rows[0] === undefined ? null : recorded(readLogout)(rows[0]);
    },
  };
}

function conditionsOf(table: Table, filter: ActivityFilter<string>) {
  const conditions = ['1 = 1'];
  const values: string[] = [];
  const add = (condition: string, ...given: string[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  if (filter.userId !== null) add('user_id = ?', filter.userId);
  // The first condition can use an index; the second respects trailing spaces, which the collation ignores.
  if (filter.usernames.length > 0) {
    const places = filter.usernames.map(() => '?').join(', ');
    const condition = `username IN (${places}) AND BINARY username IN (${places})`;
    add(condition, ...filter.usernames, ...filter.usernames);
  }
  if (filter.ipAddress !== null) add('ip_address = ?', filter.ipAddress);
  if (filter.sinceMs !== null) add(`${table.time} >= ?`, toSqlTime(filter.sinceMs));
  if (filter.untilMs !== null) add(`${table.time} < ?`, toSqlTime(filter.untilMs));
  if (filter.after !== null) {
    const { atMs, detail, id } = filter.after;
    const at = toSqlTime(atMs);
    // The first condition can use an index.
    add(
      `${table.time} <= ? AND (${table.time} < ? OR ${table.detail} < ? OR (${table.detail} = ? AND id < ?))`,
      ...[at, at, detail, detail, id],
    );
  }
  if (filter.recordedFromMs !== null) add('recorded_at >= ?', toSqlTime(filter.recordedFromMs));
  if (filter.details.length > 0)
    add(`${table.detail} IN (${filter.details.map(() => '?').join(', ')})`, ...filter.details);
  return { conditions, values };
}

const recorded =
  <T>(read: (row: Row) => T) =>
  (row: Row): Recorded<T> => ({ ...read(row), recordedAtMs: fromSqlTime(row['recorded_at']) ?? 0 });

const readLogin = (row: Row): LoginActivity => ({
  type: 'login',
  ...readCommon(row),
  userId: textOrNull(row['user_id']) as UserId | null,
  sessionId: textOrNull(row['session_id']) as SessionId | null,
  outcome: textOf(row['outcome']) as LoginOutcome,
  occurredAtMs: fromSqlTime(row['occurred_at']) ?? 0,
});
