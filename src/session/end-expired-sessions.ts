import { deliver, type ActivityStores } from '../activity/delivery.ts';
import type { OutboxEntry } from '../activity/outbox.ts';
import type { LogoutActivity } from '../activity/events.ts';
import { logRejected, writeRejected } from '../activity/record-activity.ts';
import type { Clock } from '../lib/clock.ts';
import { uuidV7 } from '../lib/ids.ts';
import type { Log } from '../log.ts';
import type { SessionEnds } from './session-ends.ts';

/** Sessions ended by one script, which holds up all else in Redis: for about 7 ms, 0.03 ms each (docs/scale.md). */
export const EXPIRED_BATCH_SIZE = 200;

/**
 * The cron's part: ends sessions that have expired, oldest first, and writes their rows, until nothing is left to do or
 * `hasTime` says no. Those of the current minute too, so that a row comes a minute after the end, whatever second the
 * cron runs at. Returns how many ended.
 *
 * @throws `store_unavailable`; the next run goes on. If MySQL is out, one batch has ended, and its rows are in the outbox
 */
export async function endExpiredSessions(
  stores: ActivityStores & { readonly sessionEnds: SessionEnds },
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  hasTime: () => boolean,
): Promise<number> {
  let count = 0;
  let minute: number | null = null;
  while (hasTime()) {
    // What is left of a minute that was gone through is for the next run: a full Redis moves nothing on.
    minute = await stores.sessionEnds.findOldestMinute(clock.nowMs(), minute);
    if (minute === null) break;
    let cursor: string | null = null;
    do {
      const part = await stores.sessionEnds.readMinute(minute, cursor, EXPIRED_BATCH_SIZE);
      const nowMs = clock.nowMs();
      const logouts = await stores.sessionEnds.endExpired(minute, part.sessions, nowMs);
      count += logouts.length;
      const rejected = logRejected({ requestId: uuidV7(nowMs), log }, logouts);
      if (rejected.length > 0) await writeRejected(stores, rejected);
      const queued = logouts.filter((each): each is OutboxEntry<LogoutActivity> => each.entryId !== null);
      await deliver({ stores, log, nowMs }, queued);
      cursor = part.cursor;
    } while (cursor !== null && hasTime());
  }
  return count;
}
