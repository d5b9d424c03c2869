import type { UserId, Uuid } from '../lib/ids.ts';
import type { LoginActivity, LogoutActivity } from './events.ts';

/** The last row of a page; the next page begins after it. */
export interface LogoutCursor {
  readonly loggedOutAtMs: number;
  readonly id: Uuid;
}

/** A line of a user's own history. */
export interface ActivityLine {
  readonly what: 'login' | 'logout';
  readonly atMs: number;
  /** Outcome of a sign-in, reason of a sign-out. */
  readonly detail: string;
  readonly ipAddress: string | null;
  readonly country: string | null;
  readonly userAgent: string | null;
}

/**
 * The lasting record of activity, one row an event. The event's id is the primary key, so writing an event twice makes
 * one row. Each method writes all its events or none.
 *
 * Throws `EventRefusedError` if one of these events is refused or may be, `store_unavailable` if the database is to blame.
 */
export interface ActivityLog {
  writeLogouts(events: readonly LogoutActivity[]): Promise<void>;
  /** A success also moves the user's `last_login_at` forward. */
  writeLogins(events: readonly LoginActivity[]): Promise<void>;
  /** Deletes at most `limit` rows of each kind older than that time. Returns how many it deleted. */
  deleteBefore(beforeMs: number, limit: number): Promise<number>;
  /** A user's sign-outs after the cursor, newest first, at most `limit`. */
  listLogouts(userId: UserId, limit: number, after: LogoutCursor | null): Promise<LogoutActivity[]>;
  /** All ends from that time on and after the cursor but those by expiry, oldest first, at most `limit`. */
  listEndedSince(sinceMs: number, limit: number, after: LogoutCursor | null): Promise<LogoutActivity[]>;
  /** A user's last sign-ins, failed ones included, and sign-outs, newest first, at most `limit`. */
  listRecent(userId: UserId, limit: number): Promise<ActivityLine[]>;
  /** Resolves if the tables have all the columns that this release uses. */
  ping(): Promise<void>;
}

/** One of the events is refused. The caller finds it by writing fewer at a time. */
export class EventRefusedError extends Error {
  override readonly name = 'EventRefusedError';
  /** In our words: nothing of the event and nothing of the vendor's text. */
  readonly reason: string;
  /** False: the database gave no cause that we know; it may be the database's, and pass. */
  readonly isForGood: boolean;
  constructor(reason: string, isForGood: boolean) {
    super(reason);
    this.reason = reason;
    this.isForGood = isForGood;
  }
}
