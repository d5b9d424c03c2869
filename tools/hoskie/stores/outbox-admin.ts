import type { Activity } from '../../../src/activity/events.ts';

/** An event that MySQL refused for good. */
export interface SetAsideEntry {
  readonly entryId: string;
  /** Null: what lies there cannot be read as an event. */
  readonly activity: Activity | null;
  /** Why it was set aside, in our words: `mysql errno 1406`, `unreadable event`. */
  readonly reason: string;
  readonly setAsideAtMs: number;
}

/** What an operator does to events set aside. Each method throws `StoreUnavailableError`. */
export interface OutboxAdmin {
  /** Oldest first, at most `limit`, those behind `after`; null: from the beginning. */
  listSetAside(limit: number, after: string | null): Promise<SetAsideEntry[]>;
  /** Null: nothing of that id is set aside. */
  findSetAside(entryId: string): Promise<SetAsideEntry | null>;
  /** Takes out entries whose rows exist; one that is gone is no error. */
  removeSetAside(entryIds: readonly string[]): Promise<void>;
}
