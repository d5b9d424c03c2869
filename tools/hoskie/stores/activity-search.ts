import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import type {
  LoginActivity,
  LoginOutcome,
  LogoutActivity,
  LogoutReason,
} from '../../../src/activity/events.ts';

/** A row, with the time at which it was written: later than the event, much later after an outage. */
export type Recorded<T> = T & { readonly recordedAtMs: number };

/** All conditions together; null or empty: any. */
export interface ActivityFilter<Detail extends string> {
  readonly userId: UserId | null;
  /** The name at the time of the event, to the letter. */
  readonly username: string | null;
  /** In canonical text, as it is stored. */
  readonly ipAddress: string | null;
  readonly sinceMs: number | null;
  /** This instant itself is outside. */
  readonly untilMs: number | null;
  readonly details: readonly Detail[];
  readonly limit: number;
  /**
   * Null: newest events first. Otherwise rows written at that time or later, in the order in which they were
   * written; with `sinceMs`, so that an index can be used.
   */
  readonly recordedFromMs: number | null;
}

/** The record of activity, as an operator searches it. Each method throws `StoreUnavailableError`. */
export interface ActivitySearch {
  logouts(filter: ActivityFilter<LogoutReason>): Promise<Recorded<LogoutActivity>[]>;
  logins(filter: ActivityFilter<LoginOutcome>): Promise<Recorded<LoginActivity>[]>;
  /** The database's own time, by which `recordedAtMs` is told. */
  nowMs(): Promise<number>;
  /** Whose session that is, by the record of its beginning. Null: not recorded (yet, or any more). */
  findOwner(sessionId: SessionId): Promise<UserId | null>;
  /** Null: no end of that session is recorded. */
  findLogout(sessionId: SessionId): Promise<Recorded<LogoutActivity> | null>;
}
