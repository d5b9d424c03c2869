import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, UserId, Uuid } from '../lib/ids.ts';
import { textOf, textOrNull } from '../lib/text.ts';
import {
  StatementRefusedError,
  UnexplainedRefusalError,
  type Row,
  type SqlClient,
  type SqlValue,
} from '../store/sql-client.ts';
import { fromSqlTime, toSqlTime } from '../store/sql-time.ts';
import { EventRefusedError, type ActivityLog } from './activity-log.ts';
import type { LoginActivity, LogoutActivity, LogoutReason } from './events.ts';

export const LOGOUT_COLUMNS =
  'id, user_id, username, session_id, ip_address, user_agent, country, reason, logged_out_at';
export const LOGIN_COLUMNS =
  'id, user_id, username, outcome, session_id, ip_address, user_agent, country, occurred_at';

/** The activity tables of schema.sql. */
export function mysqlActivityLog(sql: SqlClient): ActivityLog {
  const insert = async (table: string, columns: string, rows: readonly SqlValue[][]): Promise<void> => {
    const places = rows.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ');
    // Not INSERT IGNORE, which would hide data errors as well as the repeated id.
    const statement = `INSERT INTO ${table} (${columns}) VALUES ${places} ON DUPLICATE KEY UPDATE id = ${table}.id`;
    await refusedAsEvent(() => sql.execute(statement, rows.flat()));
  };

  return {
    async writeLogouts(events) {
      if (events.length === 0) return;
      await insert('logout_activity', LOGOUT_COLUMNS, events.map(logoutRow));
    },

    async writeLogins(events) {
      if (events.length === 0) return;
      await insert('login_activity', LOGIN_COLUMNS, events.map(loginRow));
      const last = lastSuccesses(events);
      if (last.size === 0) return;
      const rows = [...last]
        .map(() => 'SELECT CAST(? AS UNSIGNED) AS id, CAST(? AS DATETIME(3)) AS at')
        .join(' UNION ALL ');
      // Events may come late and out of order: the time only ever moves forward.
      await refusedAsEvent(() =>
        sql.execute(
          `UPDATE users JOIN (${rows}) latest ON users.id = latest.id SET users.last_login_at = latest.at
         WHERE users.last_login_at IS NULL OR users.last_login_at < latest.at`,
          [...last].flatMap(([userId, atMs]) => [userId, toSqlTime(atMs)]),
        ),
      );
    },

    async deleteBefore(beforeMs, limit) {
      const before = toSqlTime(beforeMs);
      let deleted = 0;
      for (const [table, column] of [
        ['logout_activity', 'logged_out_at'],
        ['login_activity', 'occurred_at'],
      ] as const) {
        const result = await sql.execute(
          `DELETE FROM ${table} WHERE ${column} < ? ORDER BY ${column} LIMIT ${limit}`,
          [before],
        );
        deleted += result.rowsAffected;
      }
      return deleted;
    },

    async listLogouts(userId, limit, after) {
      const at = after === null ? null : toSqlTime(after.loggedOutAtMs);
      const afterCursor = after === null ? '' : 'AND (logged_out_at < ? OR (logged_out_at = ? AND id < ?))';
      const { rows } = await sql.execute(
        `SELECT ${LOGOUT_COLUMNS} FROM logout_activity WHERE user_id = ? ${afterCursor}
         ORDER BY logged_out_at DESC, id DESC LIMIT ${limit}`,
        after === null ? [userId] : [userId, at, at, after.id],
      );
      return rows.map(readLogout);
    },

    async listEndedSince(sinceMs, limit, after) {
      const from = toSqlTime(after?.loggedOutAtMs ?? sinceMs);
      const afterCursor = after === null ? '' : 'AND (logged_out_at > ? OR id > ?)';
      const { rows } = await sql.execute(
        `SELECT ${LOGOUT_COLUMNS} FROM logout_activity WHERE logged_out_at >= ? ${afterCursor}
           AND reason NOT IN ('expired_idle', 'expired_absolute')
         ORDER BY logged_out_at, id LIMIT ${limit}`,
        after === null ? [from] : [from, from, after.id],
      );
      return rows.map(readLogout);
    },

    async listRecent(userId, limit) {
      const { rows } = await sql.execute(
        `(SELECT 'login' AS what, occurred_at AS at, outcome AS detail, ip_address, country, user_agent
            FROM login_activity WHERE user_id = ? ORDER BY occurred_at DESC LIMIT ${limit})
         UNION ALL
         (SELECT 'logout' AS what, logged_out_at AS at, reason AS detail, ip_address, country, user_agent
            FROM logout_activity WHERE user_id = ? ORDER BY logged_out_at DESC LIMIT ${limit})
         ORDER BY at DESC LIMIT ${limit}`,
        [userId, userId],
      );
      return rows.map((row) => ({
        what: row['what'] === 'login' ? 'login' : 'logout',
        atMs: fromSqlTime(row['at']) ?? 0,
        detail: textOf(row['detail']),
        ipAddress: textOrNull(row['ip_address']),
        country: textOrNull(row['country']),
        userAgent: textOrNull(row['user_agent']),
      }));
    },

    async ping() {
      await Promise.all([
        sql.execute(`SELECT ${LOGOUT_COLUMNS} FROM logout_activity LIMIT 0`, []),
        sql.execute(`SELECT ${LOGIN_COLUMNS} FROM login_activity LIMIT 0`, []),
      ]);
    },
  };
}

/** When each of these users last signed in, in Unix ms. */
function lastSuccesses(events: readonly LoginActivity[]): Map<UserId, number> {
  const last = new Map<UserId, number>();
  for (const { outcome, userId, occurredAtMs } of events) {
    if (outcome !== 'success' || userId === null) continue;
    last.set(userId, Math.max(occurredAtMs, last.get(userId) ?? 0));
  }
  return last;
}

async function refusedAsEvent(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (error instanceof StatementRefusedError)
      throw new EventRefusedError(`mysql errno ${error.errno}`, true);
    if (error instanceof UnexplainedRefusalError)
      throw new EventRefusedError(`mysql errno ${error.errno ?? 'unknown'}`, false);
    throw error;
  }
}

const logoutRow = (event: LogoutActivity): SqlValue[] => [
  event.id,
  event.userId,
  event.username,
  event.sessionId,
  event.client.ipAddress,
  event.client.userAgent,
  event.client.country,
  event.reason,
  toSqlTime(event.loggedOutAtMs),
];

const loginRow = (event: LoginActivity): SqlValue[] => [
  event.id,
  event.userId,
  event.username,
  event.outcome,
  event.sessionId,
  event.client.ipAddress,
  event.client.userAgent,
  event.client.country,
  toSqlTime(event.occurredAtMs),
];

/** The columns that both tables have. */
export const readCommon = (row: Row): { id: Uuid; username: string; client: ClientInfo } => ({
  id: textOf(row['id']) as Uuid,
  username: textOf(row['username']),
  client: {
    ipAddress: textOrNull(row['ip_address']),
    userAgent: textOrNull(row['user_agent']),
    country: textOrNull(row['country']),
  },
});

export const readLogout = (row: Row): LogoutActivity => ({
  type: 'logout',
  ...readCommon(row),
  userId: textOf(row['user_id']) as UserId,
  sessionId: textOf(row['session_id']) as SessionId,
  reason: textOf(row['reason']) as LogoutReason,
  loggedOutAtMs: fromSqlTime(row['logged_out_at']) ?? 0,
});
