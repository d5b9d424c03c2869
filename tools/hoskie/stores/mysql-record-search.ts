import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import { textOf } from '../../../src/lib/text.ts';
import type { Row, SqlClient } from '../../../src/store/sql-client.ts';
import { fromSqlTime, toSqlTime } from '../../../src/store/sql-time.ts';
import type { RecordSearch } from './record-search.ts';

/** Sign-ins of one page: read by an index, and each one's end is looked up. */
const PAGE_ROWS = 2000;

/** Compares the activity tables of schema.sql. */
export function mysqlRecordSearch(sql: SqlClient): RecordSearch {
  const rowsOf = async (columns: string, from: string, ids: readonly SessionId[]): Promise<Row[]> => {
    if (ids.length === 0) return [];
    const places = ids.map(() => '?').join(', ');
    return (await sql.execute(`SELECT ${columns} FROM ${from} session_id IN (${places})`, ids)).rows;
  };
  const idOf = (row: Row): SessionId => textOf(row['session_id']) as SessionId;

  return {
    async readSignIns(sinceMs, untilMs) {
      const bounds = [toSqlTime(sinceMs), toSqlTime(untilMs)];
      const { rows: following } = await sql.execute(
        `SELECT occurred_at FROM login_activity
         WHERE outcome = 'success' AND occurred_at >= ? AND occurred_at < ?
         ORDER BY occurred_at LIMIT 1 OFFSET ${PAGE_ROWS}`,
        bounds,
      );
      const followingMs = fromSqlTime(following[0]?.['occurred_at']);
      // A page ends between two milliseconds: it has at least those of its first one.
      const next = followingMs === null ? null : Math.max(followingMs, sinceMs + 1);
      const { rows } = await sql.execute(
        `SELECT i.session_id, i.user_id, i.occurred_at
         FROM login_activity AS i LEFT JOIN logout_activity AS o ON o.session_id = i.session_id
         WHERE i.outcome = 'success' AND i.occurred_at >= ? AND i.occurred_at < ?
           AND i.session_id IS NOT NULL AND i.user_id IS NOT NULL AND o.session_id IS NULL`,
        [bounds[0] ?? '', next === null ? (bounds[1] ?? '') : toSqlTime(next)],
      );
      const signIns = rows.map((row) => ({
        sessionId: idOf(row),
        userId: textOf(row['user_id']) as UserId,
        atMs: fromSqlTime(row['occurred_at']) ?? 0,
      }));
      return { withoutEnd: signIns, next };
    },

    async findSignIns(ids) {
      const rows = await rowsOf('session_id', "login_activity WHERE outcome = 'success' AND", ids);
      return new Set(rows.map(idOf));
    },

    async findEnds(ids) {
      const rows = await rowsOf('session_id, logged_out_at', 'logout_activity WHERE', ids);
      return new Map(rows.map((row) => [idOf(row), fromSqlTime(row['logged_out_at']) ?? 0]));
    },
  };
}
