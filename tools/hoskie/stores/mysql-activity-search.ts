import { storeUnavailable } from '../../../src/errors.ts';
import type { ClientInfo } from '../../../src/lib/client-info.ts';
import type { Row, SqlClient } from '../../../src/store/sql-client.ts';
import { fromSqlTime, toSqlTime } from '../../../src/store/sql-time.ts';
import type { SessionId, UserId, Uuid } from '../../../src/lib/ids.ts';
import type { ActivityFilter, ActivitySearch, Recorded } from './activity-search.ts';
import type {
  LoginActivity,
  LoginOutcome,
  LogoutActivity,
  LogoutReason,
} from '../../../src/activity/events.ts';

const COMMON = 'id, user_id, username, session_id, ip_address, user_agent, country, recorded_at';

const TABLES = {
  logouts: { name: 'logout_activity', detail: 'reason', time: 'logged_out_at' },
  logins: { name: 'login_activity', detail: 'outcome', time: 'occurred_at' },
} as const;
type Table = (typeof TABLES)[keyof typeof TABLES];

/** The activity tables of schema.sql, for the operator's tool. */
export function mysqlActivitySearch(sql: SqlClient): ActivitySearch {
  const search = async (table: Table, filter: ActivityFilter<string>): Promise<Row[]> => {
    const { conditions, values } = conditionsOf(table, filter);
    const order = filter.recordedFromMs === null ? `${table.time} DESC, id DESC` : 'recorded_at, id';
    const { rows } = await sql.execute(
      `SELECT ${COMMON}, ${table.detail} AS detail, ${table.time} AS at FROM ${table.name}
       WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${filter.limit}`,
      values,
    );
    return rows;
  };

  return {
    logouts: async (filter) => (await search(TABLES.logouts, filter)).map(readLogout),
    logins: async (filter) => (await search(TABLES.logins, filter)).map(readLogin),

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
      const userId = rows[0]?.['user_id'];
      return typeof userId === 'string' ? (userId as UserId) : null;
    },

    async findLogout(sessionId) {
      const { rows } = await sql.execute(
        `SELECT ${COMMON}, reason AS detail, logged_out_at AS at FROM logout_activity WHERE session_id = ? LIMIT 1`,
        [sessionId],
      );
      return rows[0] === undefined ? null : readLogout(rows[0]);
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
  // The first condition can use an index; the second minds trailing spaces, which the collation does not.
  if (filter.username !== null) add('username = ? AND BINARY username = ?', filter.username, filter.username);
  if (filter.ipAddress !== null) add('ip_address = ?', filter.ipAddress);
  if (filter.sinceMs !== null) add(`${table.time} >= ?`, toSqlTime(filter.sinceMs));
  if (filter.untilMs !== null) add(`${table.time} < ?`, toSqlTime(filter.untilMs));
  if (filter.recordedFromMs !== null) add('recorded_at >= ?', toSqlTime(filter.recordedFromMs));
  if (filter.details.length > 0)
    add(`${table.detail} IN (${filter.details.map(() => '?').join(', ')})`, ...filter.details);
  return { conditions, values };
}

const commonOf = (row: Row) => ({
  id: textOf(row['id']) as Uuid,
  username: textOf(row['username']),
  client: {
    ipAddress: textOrNull(row['ip_address']),
    userAgent: textOrNull(row['user_agent']),
    country: textOrNull(row['country']),
  } satisfies ClientInfo,
  recordedAtMs: fromSqlTime(row['recorded_at']) ?? 0,
});

const readLogout = (row: Row): Recorded<LogoutActivity> => ({
  type: 'logout',
  ...commonOf(row),
  userId: textOf(row['user_id']) as UserId,
  sessionId: textOf(row['session_id']) as SessionId,
  reason: textOf(row['detail']) as LogoutReason,
  loggedOutAtMs: fromSqlTime(row['at']) ?? 0,
});

const readLogin = (row: Row): Recorded<LoginActivity> => ({
  type: 'login',
  ...commonOf(row),
  userId: textOrNull(row['user_id']) as UserId | null,
  sessionId: textOrNull(row['session_id']) as SessionId | null,
  outcome: textOf(row['detail']) as LoginOutcome,
  occurredAtMs: fromSqlTime(row['at']) ?? 0,
});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
