import type { LogoutReason } from '../activity/events.ts';
import type { Ending, RecordedLogout } from './session-store.ts';
import type { Session } from './session.ts';
import type { SessionId, TokenHash, UserId } from './token.ts';

/** An open session and the key under which it lies, by which `SessionStore.end` ends it. */
export interface FoundSession {
  readonly session: Session;
  readonly tokenHash: TokenHash;
}

/** A place where the sessions and their index do not agree. */
export interface IndexFault {
  readonly kind:
    /** An open session that its user's index does not list: it cannot be seen, nor ended by its user. */
    | 'unlisted'
    /** The index would expire before a session that it lists. */
    | 'index_expires_early'
    /** The index lists what is another session, or another user's. */
    | 'mismatched'
    /** The index lists a session that was ended. */
    | 'ended_but_listed'
    /** A record that would stay for ever. */
    | 'no_expiry'
    /** What lies under a session's key is damaged or of a later version; nobody is signed in by it here. */
    | 'unreadable';
  /** Null where nothing tells. */
  readonly userId: UserId | null;
  readonly sessionId: SessionId | null;
  readonly isRepaired: boolean;
}

/** What one step of a check of the index saw. */
export interface IndexStep {
  /** Hand it in to go on; null: that was the last step. */
  readonly cursor: string | null;
  /** Keys of any kind in this step; all steps together are about `keyCount`. */
  readonly keys: number;
  readonly openSessions: number;
  readonly tombstones: number;
  readonly listed: number;
  /** Listed sessions that ran out by themselves: no fault, the next look at the list drops them. */
  readonly runOut: number;
  readonly faults: readonly IndexFault[];
}

/**
 * What an operator asks of the sessions beside `SessionStore`, which ends them. Each method throws
 * `StoreUnavailableError` when the store cannot answer.
 */
export interface SessionAdmin {
  /**
   * Unix ms by the store's clock. By it, and not by that of the operator's machine, which may be minutes off, sessions
   * are judged: a fast clock would take open ones for run out and leave them open.
   */
  nowMs(): Promise<number>;
  /** A user's open sessions, newest first. Reads alone: nothing is dropped from the index. */
  listOf(userId: UserId, nowMs: number): Promise<FoundSession[]>;
  /** Null: this user has no open session of that id. */
  findOf(userId: UserId, sessionId: SessionId, nowMs: number): Promise<FoundSession | null>;
  /** Goes through the users' indexes step by step for a session whose user is not known. Null: it is not open. */
  find(sessionId: SessionId, nowMs: number): Promise<FoundSession | null>;
  /**
   * From here on `SessionStore.start` refuses what was checked (`checkedFromMs`) before now: once the database keeps
   * a user out, a sign-in that had been let in just before begins no session any more. Call it after that change is
   * confirmed and before the open sessions are listed. Now is by the store's clock, and a second more, as the Worker's
   * may be ahead of it: who signs in within that second is told to try again.
   */
  refuseStartsUnderWay(userId: UserId): Promise<void>;
  /**
   * Ends what the user's index lists and nobody here can read: sessions of a later version, and damaged records.
   * `listOf` has none of them. Atomic, with a logout each, and safe to repeat, like `SessionStore.end`.
   */
  endUnreadable(userId: UserId, reason: LogoutReason, ending: Ending): Promise<readonly RecordedLogout[]>;
  /** How many keys of any kind there are. */
  keyCount(): Promise<number>;
  /**
   * Compares the next few hundred keys, sessions with their index and indexes with their sessions; with `repair`
   * puts right what it can, in the same atomic step. Never begins or ends a session. Keys that are there from the
   * first step to the last are seen at least once (Redis documentation, "SCAN guarantees").
   */
  checkIndex(cursor: string | null, nowMs: number, repair: boolean): Promise<IndexStep>;
}

/** Redis's SCAN, which `RedisClient` does not have, as no request needs it. */
export interface KeyScan {
  /** About `count` keys; the cursor is `0` at the beginning and again at the end. */
  scan(cursor: string, count: number): Promise<{ readonly cursor: string; readonly keys: readonly string[] }>;
  keyCount(): Promise<number>;
}
