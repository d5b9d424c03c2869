import { storeUnavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { EventRefusedError, type ActivityLog } from './activity-log.ts';
import { atMsOf, type Activity, type LoginActivity, type LogoutActivity } from './events.ts';
import { addedAtMs, type Outbox, type OutboxEntry } from './outbox.ts';

/** Events written by one statement: 3 MB at most, and Vitess takes 16. */
export const DELIVERY_BATCH_SIZE = 500;
/** For how long an event is retried that MySQL refuses without a cause that we know, from when it happened. */
const UNEXPLAINED_RETRY_MS = 3_600_000;
/** For how long an event that this release can't read waits for one that can, from when it was added. */
const UNREADABLE_WAIT_MS = 86_400_000;
/** So many such refusals in a row are an outage: more than it takes to halve a batch twice down to one row. */
const OUTAGE_REFUSALS = 24;

export interface ActivityStores {
  readonly outbox: Outbox;
  readonly activityLog: ActivityLog;
}

interface Delivery {
  readonly stores: ActivityStores;
  readonly log: Log;
  readonly nowMs: number;
}

/** An entry that was refused alone, without a cause that we know. */
interface Suspect {
  readonly entry: OutboxEntry<Activity>;
  readonly reason: string;
}

/**
 * Writes the rows of these events, then removes them from the outbox. In that order: a crash in between writes a row
 * again, which makes no second one, and never loses one. An event that MySQL will never take, or that can't be read for
 * a day, is set aside; none delays another. Returns how many left the outbox.
 *
 * @throws `store_unavailable`; what wasn't delivered is still in the outbox
 */
export async function deliver(delivery: Delivery, entries: readonly OutboxEntry[]): Promise<number> {
  let count = 0;
  const unreadable = entries.filter((entry) => entry.activity === null);
  const expired = unreadable.filter((entry) => delivery.nowMs - addedAtMs(entry) >= UNREADABLE_WAIT_MS);
  for (const entry of expired) count += await setAside(delivery, entry, 'unreadable event');
  const waiting = unreadable.length - expired.length;
  if (waiting > 0) delivery.log.event('activity_unreadable', { count: waiting });
  const readable = entries.filter((entry): entry is OutboxEntry<Activity> => entry.activity !== null);
  return count + (await deliverReadable(delivery, readable));
}

/**
 * Halving finds what is refused, and delivers the others on the way. If nothing can be written once several rows were
 * refused alone, the database is to blame, and none of them.
 */
async function deliverReadable(
  delivery: Delivery,
  entries: readonly OutboxEntry<Activity>[],
): Promise<number> {
  const parts = entries.length === 0 ? [] : [entries];
  let count = 0;
  // Since the last row that was written.
  let suspects: readonly Suspect[] = [];
  let refusals = 0;
  while (parts.length > 0) {
    // After a suspect the other end is next: neighbours are often refused for the same cause.
    const part = (suspects.length === 0 ? parts.shift() : parts.pop()) ?? [];
    const refusal = await write(delivery, part);
    if (refusal === null) {
      count += part.length + (await setAsideOverdue(delivery, suspects));
      suspects = [];
      refusals = 0;
      continue;
    }
    if (!refusal.isForGood && (refusals += 1) > OUTAGE_REFUSALS)
      throw storeUnavailable('database', 'refused');
    if (part.length > 1) {
      const middle = Math.ceil(part.length / 2);
      const halves = [part.slice(0, middle), part.slice(middle)];
      if (suspects.length === 0) parts.unshift(...halves);
      else parts.push(...halves);
    } else if (refusal.isForGood) {
      for (const entry of part) count += await setAside(delivery, entry, refusal.reason);
    } else {
      suspects = [...suspects, ...part.map((entry) => ({ entry, reason: refusal.reason }))];
    }
  }
  if (suspects.length === 0) return count;
  if (new Set(suspects.map(({ entry }) => entry.activity.id)).size > 1)
    throw storeUnavailable('database', 'refused');
  // A single row, and no other to compare it with: does the database work at all?
  await delivery.stores.activityLog.ping();
  return count + (await setAsideOverdue(delivery, suspects));
}

/** Null: all rows exist, and the entries have left the outbox. */
async function write(
  { stores: { outbox, activityLog } }: Delivery,
  entries: readonly OutboxEntry<Activity>[],
): Promise<EventRefusedError | null> {
  const activities = entries.map((entry) => entry.activity);
  try {
    await activityLog.writeLogouts(activities.filter((a): a is LogoutActivity => a.type === 'logout'));
    await activityLog.writeLogins(activities.filter((a): a is LoginActivity => a.type === 'login'));
  } catch (error) {
    if (error instanceof EventRefusedError) return error;
    throw error;
  }
  await outbox.remove(entries.map((entry) => entry.entryId));
  return null;
}

/** Sets aside what has been refused for long enough; the rest stays in the outbox. Returns how many left it. */
async function setAsideOverdue(delivery: Delivery, suspects: readonly Suspect[]): Promise<number> {
  let count = 0;
  for (const { entry, reason } of suspects) {
    if (delivery.nowMs - atMsOf(entry.activity) >= UNEXPLAINED_RETRY_MS)
      count += await setAside(delivery, entry, reason);
    else delivery.log.event('activity_refused', { activity_id: entry.activity.id, reason });
  }
  return count;
}

async function setAside(
  { stores, log, nowMs }: Delivery,
  entry: OutboxEntry,
  reason: string,
): Promise<number> {
  await stores.outbox.setAside(entry.entryId, reason, nowMs);
  log.event('activity_set_aside', { activity_id: entry.activity?.id ?? null, reason });
  return 1;
}

/** The cron's part: delivers what is pending, oldest first, while `hasTime`. Returns how many left the outbox. */
export async function deliverPending(delivery: Delivery, hasTime: () => boolean): Promise<number> {
  let count = 0;
  let last: string | null = null;
  while (hasTime()) {
    const entries: OutboxEntry[] = await delivery.stores.outbox.readOldest(DELIVERY_BATCH_SIZE, last);
    count += await deliver(delivery, entries);
    if (entries.length < DELIVERY_BATCH_SIZE) break;
    // What was refused or unreadable stays in the outbox, and the others come after it.
    last = entries.at(-1)?.entryId ?? null;
  }
  return count;
}
