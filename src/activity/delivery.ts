import type { Log } from '../log.ts';
import { EventRefusedError, type ActivityLog } from './activity-log.ts';
import type { Activity, LoginActivity, LogoutActivity } from './events.ts';
import type { Outbox, OutboxEntry } from './outbox.ts';

/** Events written by one statement. */
export const DELIVERY_BATCH_SIZE = 100;
/** Batches that one run of the cron delivers at most; it runs again in a minute. */
export const DELIVERY_BATCHES_PER_RUN = 100;

export interface ActivityStores {
  readonly outbox: Outbox;
  readonly activityLog: ActivityLog;
}

interface Delivery {
  readonly stores: ActivityStores;
  readonly log: Log;
  readonly nowMs: number;
}

/**
 * Writes the rows of these events, then removes them from the outbox. In that order: a crash in between writes a row
 * again, which makes no second one, and never loses one. An event that MySQL will never take is set aside and delays no
 * other.
 *
 * @throws `store_unavailable`; what wasn't delivered is still in the outbox
 */
export async function deliver(delivery: Delivery, entries: readonly OutboxEntry[]): Promise<void> {
  for (const entry of entries) {
    if (entry.activity === null) await setAside(delivery, entry, 'unreadable event');
  }
  await deliverReadable(
    delivery,
    entries.filter((entry): entry is OutboxEntry<Activity> => entry.activity !== null),
  );
}

async function deliverReadable(delivery: Delivery, entries: readonly OutboxEntry<Activity>[]): Promise<void> {
  const [first] = entries;
  if (first === undefined) return;
  const { outbox, activityLog } = delivery.stores;
  const activities = entries.map((entry) => entry.activity);
  try {
    await activityLog.writeLogouts(activities.filter((a): a is LogoutActivity => a.type === 'logout'));
    await activityLog.writeLogins(activities.filter((a): a is LoginActivity => a.type === 'login'));
  } catch (error) {
    if (!(error instanceof EventRefusedError)) throw error;
    if (entries.length === 1) return setAside(delivery, first, error.reason);
    // One of them is refused: halving finds it, and delivers the others on the way.
    const middle = Math.ceil(entries.length / 2);
    await deliverReadable(delivery, entries.slice(0, middle));
    return deliverReadable(delivery, entries.slice(middle));
  }
  await outbox.remove(entries.map((entry) => entry.entryId));
}

async function setAside({ stores, log, nowMs }: Delivery, entry: OutboxEntry, reason: string): Promise<void> {
  await stores.outbox.setAside(entry.entryId, reason, nowMs);
  log.event('activity_set_aside', { activity_id: entry.activity?.id ?? null, reason });
}

/** The cron's part: delivers what is pending, oldest first. Returns how many entries it went through. */
export async function deliverPending(delivery: Delivery): Promise<number> {
  let count = 0;
  for (let batch = 0; batch < DELIVERY_BATCHES_PER_RUN; batch += 1) {
    const entries = await delivery.stores.outbox.readOldest(DELIVERY_BATCH_SIZE);
    await deliver(delivery, entries);
    count += entries.length;
    if (entries.length < DELIVERY_BATCH_SIZE) break;
  }
  return count;
}
