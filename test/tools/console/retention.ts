import { expect } from 'vitest';
import { RETENTION_BATCH_SIZE } from '../../../src/activity/retention.ts';
import { LOGINS, LOGOUTS } from './million-rows.ts';
import { ago, plantLogins, plantLogouts } from './planted.ts';
import type { ConsoleSession } from './console-session.ts';
import type { Question } from './question.ts';

/** InnoDB estimates the rows of a table from a few of its pages. */
const ESTIMATE = { least: 0.5, most: 2 };

export const RETENTION: Question[] = [
  {
    title: 'How large the tables are',
    hasCost: false,
    plant: () => Promise.resolve(),
    async check(session, sql) {
      const rows = await session.rows(sql);
      const sizes = new Map(rows.map((row) => [row['table_of'], row]));
      // No views.
      expect([...sizes.keys()].sort()).toEqual([
        'deleted_users',
        'login_activity',
        'logout_activity',
        'users',
      ]);
      for (const [table, count] of [
        ['login_activity', LOGINS],
        ['logout_activity', LOGOUTS],
      ] as const) {
        const size = sizes.get(table);
        expect(Number(size?.['rows_about']) / count).toBeGreaterThan(ESTIMATE.least);
        expect(Number(size?.['rows_about']) / count).toBeLessThan(ESTIMATE.most);
        expect(Number(size?.['bytes_a_row'])).toBeGreaterThan(200);
      }
    },
  },
  deletion('Delete old sign-outs by hand', 'logout_activity', 'logged_out_at', plantLogouts),
  deletion('Delete old sign-ins by hand', 'login_activity', 'occurred_at', plantLogins),
];

/** A slice goes, oldest first, and nothing that is young enough. */
function deletion(
  title: string,
  table: string,
  time: string,
  plant: (session: ConsoleSession, ...rows: { at: string }[]) => Promise<void>,
): Question {
  const oldest = async (session: ConsoleSession, offset: number): Promise<unknown> => {
    const [row] = await session.rows(
      `SELECT ${time} AS at FROM ${table} ORDER BY ${time} LIMIT 1 OFFSET ${offset}`,
    );
    return row?.['at'];
  };
  return {
    title,
    plant: (session) => plant(session, { at: ago({ days: 5000 }) }, { at: ago({ days: 4000 }) }),
    async check(session, sql) {
      // Of the two that are planted one is old enough for this.
      const older = sql.replace(/INTERVAL \d+ DAY/, 'INTERVAL 4500 DAY');
      expect(await session.change(older)).toBe(1);
      expect(await session.change(older)).toBe(0);
      const next = await oldest(session, RETENTION_BATCH_SIZE);
      expect(await session.change(sql)).toBe(RETENTION_BATCH_SIZE);
      expect(await oldest(session, 0)).toBe(next);
    },
  };
}
