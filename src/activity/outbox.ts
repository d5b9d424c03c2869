import type { Activity } from './events.ts';

/** An event in the outbox. `entryId` is its place there; the event's own id is the primary key of its row. */
export interface OutboxEntry {
  readonly entryId: string;
  /** Null: what lies there cannot be read as an event (written by another version, or damaged). */
  readonly activity: Activity | null;
}

/** An event that this Worker has put in, so that it knows what it is. */
export type RecordedActivity = OutboxEntry & { readonly activity: Activity };

/** Figures of the outbox. */
export interface OutboxStatus {
  /** Events not yet in MySQL. */
  readonly pending: number;
  /** Events that MySQL refused for good. */
  readonly setAside: number;
  /** When the oldest pending event was put in; null when none is pending. */
  readonly oldestAtMs: number | null;
}

/**
 * Activity not yet in MySQL. The session scripts put logouts in, in the same atomic step that ends the session;
 * delivery takes them out once their row exists. Several deliverers may work at once: an event that two of them
 * write is one row, as its id is the primary key, and taking an entry out twice is no error.
 *
 * Each method throws `StoreUnavailableError` when the store cannot answer; the caller tries again later.
 */
export interface Outbox {
  /** Puts an event in. Repeating it after a lost answer can put it in twice, which is still one row. */
  add(activity: Activity): Promise<RecordedActivity>;
  /** The oldest pending entries, at most `limit`, oldest first. */
  readOldest(limit: number): Promise<OutboxEntry[]>;
  /** Takes entries out whose rows exist. */
  remove(entryIds: readonly string[]): Promise<void>;
  /** Moves one entry to those set aside, with the reason, in one atomic step. An entry already gone stays gone. */
  setAside(entryId: string, reason: string, nowMs: number): Promise<void>;
  status(): Promise<OutboxStatus>;
}
