import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import type { Session } from '../../../src/session/session.ts';
import type { TokenHash } from '../../../src/session/token.ts';
import type { FoundSession } from './session-admin.ts';

/** One step through all keys. */
export interface ScanStep {
  /** Pass it in to go on; null: this was the last step. */
  readonly cursor: string | null;
  /** Keys of any kind in this step; all steps together have about `SessionAdmin.keyCount`. */
  readonly keys: number;
  /** Redis's time, in Unix ms: it says which of the sessions have expired. */
  readonly nowMs: number;
  /** In no order; those that expired too, until the cron has recorded their end. */
  readonly sessions: readonly FoundSession[];
}

/**
 * Reads all users' sessions, in steps, and changes nothing. Each method throws `store_unavailable`.
 *
 * What a later release wrote in a form that this one can't read is left out of `scan` and `readAgain`.
 */
export interface SessionScan {
  /** The next few hundred keys. A session that is there from the first step to the last comes at least once. */
  scan(cursor: string | null): Promise<ScanStep>;
  /** What is under these tokens now, expired or not. */
  readAgain(tokenHashes: readonly TokenHash[]): Promise<ReadonlyMap<TokenHash, Session>>;
  /**
   * Those of these sessions, at most a few hundred, that their user's index doesn't lead to. After the absolute end a
   * session may wait for the cron without an index.
   */
  findUnlisted(
    sessions: readonly { readonly userId: UserId; readonly sessionId: SessionId }[],
  ): Promise<readonly SessionId[]>;
  /**
   * The token hashes that the cron will look at, by the minute in which it will, up to that Unix minute; a few thousand at
   * a time. Sessions move to later minutes only, so one that is in some minute all the time is found.
   */
  readMinutes(lastMinute: number): AsyncIterable<readonly TokenHash[]>;
}
