import type { Activity } from '../../../src/activity/events.ts';
import type { UserId } from '../../../src/lib/ids.ts';

/** An event that MySQL will never accept. */
export interface SetAsideEntry {
  readonly entryId: string;
  /** Null: the entry can't be read as an event. */
  readonly activity: Activity | null;
  /** Why it was set aside, in our words: `mysql errno 1406`, `unreadable event`. */
  readonly reason: string;
  readonly setAsideAtMs: number;
}

/** An operator's view of the outbox. Each method throws `store_unavailable`. */
export interface OutboxAdmin {
  /** Oldest first, at most `limit`, those after `after`. Null: from the start. */
  listSetAside(limit: number, after: string | null): Promise<SetAsideEntry[]>;
  /** Null: no event with that id is set aside. */
  findSetAside(entryId: string): Promise<SetAsideEntry | null>;
  /** Removes entries whose rows exist; a missing one is no error. */
  removeSetAside(entryIds: readonly string[]): Promise<void>;
  /**
   * Removes name, address and user agent from this user's events: those pending, failed attempts included, those set
   * aside, and those that receivers haven't accepted. Each gets a new entry id. Returns how many had any of them. Safe to repeat.
   */
  erase(userId: UserId): Promise<number>;
}
