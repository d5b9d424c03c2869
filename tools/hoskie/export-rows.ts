import { once } from 'node:events';
import type { ActivityFilter, Recorded } from './stores/activity-search.ts';
import { detailOf } from './activity-formats.ts';
import { atMsOf, type Activity } from '../../src/activity/events.ts';
import { startProgress } from './progress.ts';

/** Rows of one query, so that a million take no more memory than a thousand. */
const PAGE_ROWS = 1000;

export interface Exported<Detail extends string> {
  /** Its limit is that of all rows. */
  readonly filter: ActivityFilter<Detail>;
  readonly search: (filter: ActivityFilter<Detail>) => Promise<Recorded<Activity>[]>;
  readonly count: (filter: ActivityFilter<Detail>) => Promise<number>;
  /** Lines for these rows. */
  readonly format: (rows: readonly Recorded<Activity>[]) => string;
}

/** Writes all rows to standard output, newest first, page by page, as fast as its reader takes them. */
export async function exportRows<Detail extends string>(exported: Exported<Detail>): Promise<void> {
  const { filter, search, count, format } = exported;
  // Only the bar needs to know, and to count takes a while.
  const total = process.stderr.isTTY ? Math.min(await count(filter), filter.limit) : 0;
  const progress = await startProgress('Exporting', total);
  try {
    let { after, limit: left } = filter;
    for (;;) {
      const limit = Math.min(left, PAGE_ROWS);
      const rows = await search({ ...filter, after, limit });
      // Also without a row: a CSV has its headings.
      if (!process.stdout.write(format(rows))) await once(process.stdout, 'drain');
      progress.advance(rows.length);
      left -= rows.length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit || left === 0) return;
      after = { atMs: atMsOf(last), detail: detailOf(last), id: last.id };
    }
  } finally {
    progress.stop();
  }
}
