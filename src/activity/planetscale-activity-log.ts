import { StatementRefusedError, type SqlClient, type SqlValue } from '../store/planetscale-client.ts';
import { toSqlTime } from '../store/sql-time.ts';
import { EventRefusedError, type ActivityLog } from './activity-log.ts';
import type { LoginActivity, LogoutActivity } from './events.ts';

const LOGOUT_COLUMNS =
  'id, user_id, username, session_id, ip_address, user_agent, country, reason, logged_out_at';
const LOGIN_COLUMNS =
  'id, user_id, username, outcome, session_id, ip_address, user_agent, country, occurred_at';

/** The activity tables of schema.sql. */
export function planetscaleActivityLog(sql: SqlClient): ActivityLog {
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
      for (const event of events) {
        if (event.outcome !== 'success' || event.userId === null) continue;
        const at = toSqlTime(event.occurredAtMs);
        // Events may come late and out of order: the time only ever moves forward.
        await sql.execute(
          'UPDATE users SET last_login_at = ? WHERE id = ? AND (last_login_at IS NULL OR last_login_at < ?)',
          [at, event.userId, at],
        );
      }
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

    async ping() {
      await sql.execute('SELECT 1', []);
    },
  };
}

async function refusedAsEvent(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw error instanceof StatementRefusedError
      ? new EventRefusedError(`mysql errno ${error.errno}`)
      : error;
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
