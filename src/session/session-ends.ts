import type { UserId } from '../lib/ids.ts';
import type { RecordedLogout } from './session-store.ts';
import type { TokenHash } from './token.ts';

/** A session that was to end in some minute, when it was added there. */
export interface EndingSession {
  readonly tokenHash: TokenHash;
  /** Null: it has ended already, or its record can't be read. */
  readonly userId: UserId | null;
}

/** Some of a minute's sessions. `cursor` is where to go on; null: that was all. */
export interface EndingSessions {
  readonly sessions: readonly EndingSession[];
  readonly cursor: string | null;
}

/**
 * When sessions will end, for the cron, which records the end of those that expired. Starting and renewing a session add it
 * to the minute of its end as known then; a refresh doesn't move it, the cron does. Minutes are Unix minutes.
 *
 * Each method throws `store_unavailable` if Redis can't reply; the next run goes on.
 */
export interface SessionEnds {
  /**
   * The first minute, at most that of `nowMs`, that has sessions; with `after`, the first one after that. Null: none has.
   * Those before the very first are done with.
   */
  findOldestMinute(nowMs: number, after?: number | null): Promise<number | null>;
  /** About `limit` sessions of a minute. One that was there all the time is in one of the parts at least. */
  readMinute(minute: number, cursor: string | null, limit: number): Promise<EndingSessions>;
  /**
   * Takes these sessions out of the minute, in one atomic step: those that expired end, with their events in the outbox;
   * open ones move to the minute of their new end; what ended otherwise is dropped. Those of the current minute that
   * haven't expired stay. Safe to repeat, and for several callers at once: a session ends once.
   */
  endExpired(
    minute: number,
    sessions: readonly EndingSession[],
    nowMs: number,
  ): Promise<readonly RecordedLogout[]>;
}
