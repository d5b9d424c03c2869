import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import type {
  LoginActivity,
  LoginOutcome,
  LogoutActivity,
  LogoutReason,
} from '../../../src/activity/events.ts';

/** A row with the time at which it was written: after the event, much later if there was an outage. */
export type Recorded<T> = T & { readonly recordedAtMs: number };

/** Where a row is in the order of events. */
export interface RowPlace {
  readonly atMs: number;
  /** Its reason or outcome: events of one millisecond are in the order of the index. */
  readonly detail: string;
  readonly id: string;
}

/** All conditions together; null or empty: any. */
export interface ActivityFilter<Detail extends string> {
  readonly userId: UserId | null;
  /** One of these was the name at the time of the event, compared exactly. */
  readonly usernames: readonly string[];
  /** In canonical form, as stored. */
  readonly ipAddress: string | null;
  readonly sinceMs: number | null;
  /** Exclusive. */
  readonly untilMs: number | null;
  readonly details: readonly Detail[];
  /** Only what comes after that row, newest first: the next page. */
  readonly after: RowPlace | null;
  readonly limit: number;
  /**
   * Null: newest events first. Otherwise rows written at that time or later, in the order in which they were
   * written; set `sinceMs` too, so that an index can be used.
   */
  readonly recordedFromMs: number | null;
}

/** An operator's search in the record of activity. Each method throws `store_unavailable`. */
export interface ActivitySearch {
  logouts(filter: ActivityFilter<LogoutReason>): Promise<Recorded<LogoutActivity>[]>;
  logins(filter: ActivityFilter<LoginOutcome>): Promise<Recorded<LoginActivity>[]>;
  /** How many rows pass the filter, whatever its limit. */
  countLogouts(filter: ActivityFilter<LogoutReason>): Promise<number>;
  countLogins(filter: ActivityFilter<LoginOutcome>): Promise<number>;
  /** The database's own time, the clock of `recordedAtMs`. */
  nowMs(): Promise<number>;
  /** The user of that session, from the record of its sign-in. Null: not recorded (yet, or deleted). */
  findOwner(sessionId: SessionId): Promise<UserId | null>;
  /** Null: no log-out of that session is recorded. */
  findLogout(sessionId: SessionId): Promise<Recorded<LogoutActivity> | null>;
}
