import { isStoreUnavailable } from '../../src/errors.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivityFilter, Recorded } from './stores/activity-search.ts';
import type { Activity } from '../../src/activity/events.ts';
import { describeOutage } from './exit.ts';
import { note } from './output.ts';

const INTERVAL_MS = 1000;
/** Rows shown before the first new one. */
const FIRST_ROWS = 10;
const PAGE_ROWS = 1000;
/** Rows become visible in another order than they were written in: each look goes back so far. */
const OVERLAP_MS = 10_000;
/** Events that happened longer ago are not shown when their rows arrive late: looking for them has no index. */
const LATE_MS = 3_600_000;

interface Followed<Detail extends string> {
  readonly filter: ActivityFilter<Detail>;
  readonly search: (filter: ActivityFilter<Detail>) => Promise<Recorded<Activity>[]>;
  /** The database's own time. */
  readonly nowMs: () => Promise<number>;
}

/** The last rows, then each one as it is recorded, until Ctrl-C. An outage of MySQL is told once and waited for. */
export async function followRows<Detail extends string>(
  { filter, search, nowMs }: Followed<Detail>,
  show: (row: Recorded<Activity>) => void,
): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());

  const shown = new Map<string, number>();
  const showNew = (rows: readonly Recorded<Activity>[]): void => {
    for (const row of rows) {
      if (shown.has(row.id)) continue;
      shown.set(row.id, row.recordedAtMs);
      show(row);
    }
  };
  let recordedFromMs = (await nowMs()) - OVERLAP_MS;
  showNew((await search({ ...filter, limit: Math.min(filter.limit, FIRST_ROWS) })).reverse());

  let isOut = false;
  while (!stop.signal.aborted) {
    try {
      const sinceMs = Math.max(filter.sinceMs ?? 0, recordedFromMs - LATE_MS);
      const rows = await search({ ...filter, sinceMs, recordedFromMs, limit: PAGE_ROWS });
      showNew(rows);
      isOut = false;
      const last = rows.at(-1)?.recordedAtMs ?? recordedFromMs;
      // A full page may end in the middle of a moment: there the next look begins, without going back. A moment
      // that fills a page by itself is left behind.
      const next = last > recordedFromMs ? last : last + 1;
      recordedFromMs = Math.max(recordedFromMs, rows.length === PAGE_ROWS ? next : last - OVERLAP_MS);
      for (const [id, recordedAtMs] of shown) if (recordedAtMs < recordedFromMs) shown.delete(id);
      if (rows.length === PAGE_ROWS) continue;
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      if (!isOut) note(`hoskie: ${describeOutage(error)} Waiting for it.`);
      isOut = true;
    }
    await sleep(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
