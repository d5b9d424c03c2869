import type { EventKind } from '../../../src/lib/event-receivers.ts';

/** How a receiver is. Times in Unix ms; null: there was none. */
export interface WebhookStatus {
  readonly receiver: string;
  readonly events: readonly EventKind[];
  /** Events that it hasn't accepted yet. */
  readonly pending: number;
  /** When the oldest of them was added. */
  readonly oldestAtMs: number | null;
  /** Events that it refused, or that were too old. */
  readonly setAside: number;
  /** Events that were dropped, as there were too many. */
  readonly dropped: number;
  /** In a row. */
  readonly failures: number;
  readonly backingOffUntilMs: number | null;
  readonly acceptedAtMs: number | null;
  readonly failedAtMs: number | null;
  /** Of the last failure: an HTTP status, a code of RFC 8935, `timeout`, `unreachable`, `expired`. */
  readonly error: string | null;
}

/** An operator's view of the queues of receivers. Each method throws `store_unavailable`. */
export interface WebhookAdmin {
  /** All that a Worker has, or had in the last hour, by name. */
  status(): Promise<WebhookStatus[]>;
  /**
   * Moves what was set aside by now back into the queue, oldest first, where it counts as new: it is kept for seven days
   * again. `moved` gets the count of each step. Safe to repeat.
   */
  retry(receiver: string, moved: (count: number) => void): Promise<void>;
  /** Deletes what was set aside, and counts anew what is dropped. Returns how many events it deleted. */
  clear(receiver: string): Promise<number>;
}
