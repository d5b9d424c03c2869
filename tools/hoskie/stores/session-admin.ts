import type { LogoutReason } from '../../../src/activity/events.ts';
import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import type { Operation, RecordedLogout } from '../../../src/session/session-store.ts';
import type { Session } from '../../../src/session/session.ts';
import type { TokenHash } from '../../../src/session/token.ts';

/** A session and the hash by which `SessionStore.end` ends it; open, unless said otherwise. */
export interface FoundSession {
  readonly session: Session;
  readonly tokenHash: TokenHash;
}

/** A place where the sessions and their index disagree. */
export interface IndexFault {
  readonly kind:
    /** An open session that its user's index doesn't list: its user can neither see nor end it. */
    | 'unlisted'
    /** The index would expire before a session that it lists. */
    | 'index_expires_early'
    /** The index lists another session, or another user's. */
    | 'mismatched'
    /** A record that Redis would never delete. */
    | 'no_expiry'
    /** A record that is damaged or of a later version; it signs no one in here. */
    | 'unreadable';
  /** Null: unknown. */
  readonly userId: UserId | null;
  readonly sessionId: SessionId | null;
  readonly isRepaired: boolean;
}

/** One step of a check of the index. */
export interface IndexStep {
  /** Pass it in to go on; null: this was the last step. */
  readonly cursor: string | null;
  /** Keys of any kind in this step; all steps together have about `keyCount`. */
  readonly keys: number;
  readonly openSessions: number;
  readonly listed: number;
  /**
   * Listed sessions that have expired, until the cron has recorded their end, or are gone: no fault. The next look at the
   * list, or a repair, drops those that are gone.
   */
  readonly expired: number;
  readonly faults: readonly IndexFault[];
}

/**
 * What an operator does with sessions besides ending them through `SessionStore`. Each method throws `store_unavailable`
 * if Redis can't reply.
 */
export interface SessionAdmin {
  /**
   * Unix ms by Redis's clock. It decides which sessions have expired, because the operator's clock may be minutes
   * off: a fast one would take open sessions for expired and leave them open.
   */
  nowMs(): Promise<number>;
  /** A user's open sessions, newest first. Reads only: drops nothing from the index. */
  listOf(userId: UserId, nowMs: number): Promise<FoundSession[]>;
  /** Null: this user has no open session with that id. */
  findOf(userId: UserId, sessionId: SessionId, nowMs: number): Promise<FoundSession | null>;
  /** Searches all indexes for a session whose user isn't known. Null: it isn't open. */
  find(sessionId: SessionId, nowMs: number): Promise<FoundSession | null>;
  /**
   * From now on `SessionStore.start` refuses sign-ins whose password was checked earlier: once the database locks a user
   * out, a sign-in that was accepted just before can't start a session any more. Call it after that change is confirmed
   * and before the open sessions are listed. Now is Redis's, plus a second, as a Worker's clock may be ahead: a user who
   * signs in within that second is asked to try again.
   */
  refuseStartsUnderWay(userId: UserId): Promise<void>;
  /**
   * Ends what the user's index lists and this release can't read: sessions of a later version, and damaged records, which
   * `listOf` leaves out. Atomic, with a log-out each, and safe to repeat, like `SessionStore.end`.
   */
  endUnreadable(
    userId: UserId,
    reason: LogoutReason,
    operation: Operation,
  ): Promise<readonly RecordedLogout[]>;
  /** How many keys of any kind there are. */
  keyCount(): Promise<number>;
  /**
   * Compares the next few hundred keys: sessions with their index, and indexes with their sessions. With `repair` it fixes
   * what it can in the same atomic step. Never starts or ends a session. Keys that exist from the first step to the last
   * are seen at least once (Redis documentation, "SCAN guarantees").
   */
  checkIndex(cursor: string | null, nowMs: number, repair: boolean): Promise<IndexStep>;
}
