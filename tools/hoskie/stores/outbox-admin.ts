import type { Activity } from '../../../src/activity/events.ts';

/** An event that MySQL will never accept. */
export interface SetAsideEntry {
  readonly entryId: string;
  /** Null: the entry can't be read as an event. */
  readonly activity: Activity | null;
  /** Why it was set aside, in our words: `mysql errno 1406`, `unreadable event`. */
  readonly reason: string;
  readonly setAsideAtMs: number;
}

/** An operator's view of the events that were set aside. Each method throws `store_unavailable`. */
export interface OutboxAdmin {
  /** Oldest first, at most `limit`, those after `after`. Null: from the start. */
  listSetAside(limit: number, after: string | null): Promise<SetAsideEntry[]>;
  /** Null: no event with that id is set aside. */
  findSetAside(entryId: string): Promise<SetAsideEntry | null>;
  /** Removes entries whose rows exist; a missing one is no error. */
  removeSetAside(entryIds: readonly string[]): Promise<void>;
}
