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
/** Rows may become visible in another order than they were written, so each query goes back this far. */
const OVERLAP_MS = 10_000;
/** Late rows of older events aren't shown: no index finds them. */
const LATE_MS = 3_600_000;

interface Followed<Detail extends string> {
  readonly filter: ActivityFilter<Detail>;
  readonly search: (filter: ActivityFilter<Detail>) => Promise<Recorded<Activity>[]>;
  /** The database's own time. */
  readonly nowMs: () => Promise<number>;
}

/** Shows the last rows, then each new one, until Ctrl-C. Reports an outage of MySQL once and keeps trying. */
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
      // After a full page the next one starts at its last row's time, as more rows may have the same. If a whole page
      // has the same time, skip it.
      const next = last > recordedFromMs ? last : last + 1;
      recordedFromMs = Math.max(recordedFromMs, rows.length === PAGE_ROWS ? next : last - OVERLAP_MS);
      for (const [id, recordedAtMs] of shown) if (recordedAtMs < recordedFromMs) shown.delete(id);
      if (rows.length === PAGE_ROWS) continue;
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      if (!isOut) note(`hoskie: ${describeOutage(error)} Retrying.`);
      isOut = true;
    }
    await sleep(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
