import type { Activity } from '../../src/activity/events.ts';
import { jsonLine, timeText } from './output.ts';
import type { Recorded } from './stores/activity-search.ts';

export const detailOf = (row: Activity): string => (row.type === 'logout' ? row.reason : row.outcome);

/** The columns of the tables, times in RFC 3339. */
export const viewActivity = (row: Recorded<Activity>) => ({
  id: row.id,
  user_id: row.userId,
  username: row.username,
  ...(row.type === 'logout' ? { reason: row.reason } : { outcome: row.outcome }),
  session_id: row.sessionId,
  ip_address: row.client.ipAddress,
  user_agent: row.client.userAgent,
  country: row.client.country,
  ...(row.type === 'logout'
    ? { logged_out_at: timeText(row.loggedOutAtMs) }
    : { occurred_at: timeText(row.occurredAtMs) }),
  recorded_at: timeText(row.recordedAtMs),
});

export type ExportFormat = 'csv' | 'jsonl';

/** Columns of a CSV, in the order of `viewActivity`. */
const CSV_COLUMNS = {
  logouts: ['reason', 'logged_out_at'],
  logins: ['outcome', 'occurred_at'],
} as const;

/** Turns rows into lines, the first time with the headings of a CSV. */
export async function formatRows(
  format: ExportFormat,
  what: 'logouts' | 'logins',
): Promise<(rows: readonly Recorded<Activity>[]) => string> {
  if (format === 'jsonl') return (rows) => rows.map((row) => jsonLine(viewActivity(row))).join('');
  const { stringify } = await import('csv-stringify/sync');
  const [detail, time] = CSV_COLUMNS[what];
  const columns = [
    ...['id', 'user_id', 'username', detail, 'session_id', 'ip_address', 'user_agent', 'country'],
    ...[time, 'recorded_at'],
  ];
  let isFirst = true;
  return (rows) => {
    const text = stringify(rows.map(viewActivity), {
      columns,
      header: isFirst,
      // A spreadsheet would run a name or a user agent that begins with `=`.
      escape_formulas: true,
    });
    isFirst = false;
    return text;
  };
}
