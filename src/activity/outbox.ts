import type { Uuid } from '../lib/ids.ts';
import type { Activity } from './events.ts';
import type { QueuedFor } from './webhook-queue.ts';

/**
 * Failed attempts that the outbox holds; beyond it the oldest are dropped and counted. With the longest name and agent
 * each has 3.5 KB, so they stay below the 100 MB that Upstash allows a record on pay as you go.
 */
export const ATTEMPTS_MAX = 20_000;

/**
 * An event in the outbox. `entryId` is its place there, and begins with when it was added, in Unix ms; the event's own id
 * is the primary key of its row.
 */
export interface OutboxEntry<T extends Activity | null = Activity | null> {
  readonly entryId: string;
  /** Null: it can't be read as an event (damaged, or of a later version). */
  readonly activity: T;
  /** Receivers for which it was queued just now; left out if there are none. */
  readonly queuedFor?: readonly QueuedFor[];
}

/** An event that was recorded. `entryId` is null if the outbox rejected it: then only the caller has it. */
export interface RecordedActivity<T extends Activity = Activity> {
  readonly entryId: string | null;
  readonly activity: T;
  /** As in `OutboxEntry`. */
  readonly queuedFor?: readonly QueuedFor[];
}

/** When an entry was added, in Unix ms. */
export const addedAtMs = ({ entryId }: OutboxEntry): number => Number.parseInt(entryId, 10);

export interface OutboxStatus {
  /** Events not yet in MySQL. */
  readonly pending: number;
  /** Events that MySQL will never take. */
  readonly setAside: number;
  /** Sessions that ended while the outbox took no events; the log has them. */
  readonly unrecorded: number;
  /** Failed attempts that were dropped, beyond `ATTEMPTS_MAX`. */
  readonly droppedAttempts: number;
  /** When the oldest pending event was added; null if none is pending. */
  readonly oldestAtMs: number | null;
}

/**
 * Activity that is not yet in MySQL. Failed attempts are kept apart and come last, so that a flood of them delays nothing
 * else and its size is bounded. The session scripts add log-outs in the same atomic step that ends the session;
 * delivery removes them once their row exists. Several deliveries may run at once: an event that two of them write is
 * one row, as its id is the primary key, and removing an entry twice is no error.
 *
 * Each method throws `store_unavailable` if Redis can't reply; the caller tries again later.
 */
export interface Outbox {
  /** Adds an event. A retry after a lost reply may add it twice, which still makes one row. */
  add<T extends Activity>(activity: T): Promise<OutboxEntry<T>>;
  /**
   * The pending entries after the one with the id `after`, at most `limit`: oldest first, failed attempts after all others.
   * Null: from the start.
   */
  readOldest(limit: number, after?: string | null): Promise<OutboxEntry[]>;
  /** Removes entries whose rows exist. */
  remove(entryIds: readonly string[]): Promise<void>;
  /** Moves an entry to those set aside, with the reason, in one atomic step. One that is gone stays gone. */
  setAside(entryId: string, reason: string, nowMs: number): Promise<void>;
  /** Forgets that the outbox rejected these events, as their rows exist or they are pending now. */
  markRecorded(activityIds: readonly Uuid[]): Promise<void>;
  /** What it holds now; may lag by Upstash's replication. Works when Redis is full. */
  status(): Promise<OutboxStatus>;
  /** Resolves if Redis takes writes: a full one takes none. */
  ping(): Promise<void>;
}
