import type { Log } from '../log.ts';
import { EventRefusedError, type ActivityLog } from './activity-log.ts';
import type { LoginActivity, LogoutActivity } from './events.ts';
import type { Outbox, OutboxEntry, RecordedActivity } from './outbox.ts';

/** Events written by one statement. */
export const DELIVERY_BATCH_SIZE = 100;
/** Batches that one run of the cron delivers at most: it runs again in a minute. */
export const DELIVERY_BATCHES_PER_RUN = 100;
/** Rows deleted by one statement, so that none holds its locks for long. */
export const RETENTION_BATCH_SIZE = 1000;
/** Deleting statements in one run of the cron, at most. */
export const RETENTION_BATCHES_PER_RUN = 20;

const DAY_MS = 86_400_000;

interface DeliveryDeps {
  readonly outbox: Outbox;
  readonly activityLog: ActivityLog;
  readonly log: Log;
}

/**
 * Writes these events' rows, then takes them out of the outbox, in that order: a crash in between writes a row
 * again, which is no second row, and never loses one. An event that is refused for good is set aside and holds
 * nobody up. Throws `StoreUnavailableError`; what was not delivered then is still in the outbox.
 */
export async function deliver(
  deps: DeliveryDeps,
  entries: readonly OutboxEntry[],
  nowMs: number,
): Promise<void> {
  const readable = entries.filter((entry): entry is RecordedActivity => entry.activity !== null);
  for (const entry of entries) {
    if (entry.activity === null) await setAside(deps, entry, 'unreadable event', nowMs);
  }
  await deliverReadable(deps, readable, nowMs);
}

async function deliverReadable(
  deps: DeliveryDeps,
  entries: readonly RecordedActivity[],
  nowMs: number,
): Promise<void> {
  if (entries.length === 0) return;
  const activities = entries.map((entry) => entry.activity);
  try {
    await deps.activityLog.writeLogouts(activities.filter((a): a is LogoutActivity => a.type === 'logout'));
    await deps.activityLog.writeLogins(activities.filter((a): a is LoginActivity => a.type === 'login'));
  } catch (error) {
    if (!(error instanceof EventRefusedError)) throw error;
    const [only] = entries;
    if (entries.length === 1 && only !== undefined) {
      await setAside(deps, only, error.reason, nowMs);
      return;
    }
    // One of them is refused: halving finds it, and the others are delivered on the way.
    const middle = Math.ceil(entries.length / 2);
    await deliverReadable(deps, entries.slice(0, middle), nowMs);
    await deliverReadable(deps, entries.slice(middle), nowMs);
    return;
  }
  await deps.outbox.remove(entries.map((entry) => entry.entryId));
}

async function setAside(
  deps: DeliveryDeps,
  entry: OutboxEntry,
  reason: string,
  nowMs: number,
): Promise<void> {
  await deps.outbox.setAside(entry.entryId, reason, nowMs);
  deps.log.event('activity_set_aside', { activity_id: entry.activity?.id ?? null, reason });
}

/** The cron's work: delivers what is pending, oldest first. Answers how many entries it went through. */
export async function deliverPending(deps: DeliveryDeps, nowMs: number): Promise<number> {
  let delivered = 0;
  for (let batch = 0; batch < DELIVERY_BATCHES_PER_RUN; batch += 1) {
    const entries = await deps.outbox.readOldest(DELIVERY_BATCH_SIZE);
    await deliver(deps, entries, nowMs);
    delivered += entries.length;
    if (entries.length < DELIVERY_BATCH_SIZE) break;
  }
  return delivered;
}

/** Deletes rows older than `retentionDays` in small batches; 0 keeps them for ever. Answers how many went. */
export async function deleteOldActivity(
  activityLog: ActivityLog,
  retentionDays: number,
  nowMs: number,
): Promise<number> {
  if (retentionDays === 0) return 0;
  let deleted = 0;
  for (let batch = 0; batch < RETENTION_BATCHES_PER_RUN; batch += 1) {
    const count = await activityLog.deleteBefore(nowMs - retentionDays * DAY_MS, RETENTION_BATCH_SIZE);
    deleted += count;
    if (count < RETENTION_BATCH_SIZE) break;
  }
  return deleted;
}
