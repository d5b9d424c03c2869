import type { LoginActivity, LogoutActivity, LogoutReason } from '../activity/events.ts';
import type { RecordedActivity } from '../activity/outbox.ts';
import type { QueuedFor } from '../activity/webhook-queue.ts';
import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, Uuid } from '../lib/ids.ts';
import type { InvalidCheck, Session, SessionCheck, SessionKind, ValidCheck } from './session.ts';
import type { TokenHash } from './token.ts';

/** Proof of who a user is, as the store knows it: the hash of a token, and the channel it came through. */
export interface Credential {
  readonly tokenHash: TokenHash;
  /** `either` between Workers, where only a bare token is known; a request always says. */
  readonly kind: SessionKind | 'either';
}

/** What a request offers: a bearer, or up to four different cookies of our name, in the order sent. */
export interface OfferedTokens {
  readonly kind: Credential['kind'];
  readonly tokenHashes: readonly TokenHash[];
}

/**
 * Tokens with which a request may change something: a bearer, or the cookies that its CSRF token was issued for. Others
 * that it sent may have been planted.
 */
export interface AuthorizedTokens extends OfferedTokens {
  readonly others: readonly TokenHash[];
}

export const allTokens = ({ kind, tokenHashes, others }: AuthorizedTokens): OfferedTokens => ({
  kind,
  tokenHashes: [...tokenHashes, ...others],
});

/** One step that changes sessions, on behalf of one request. */
export interface Operation {
  /** A retry after a lost reply carries the same id and gets the first reply again. */
  readonly id: Uuid;
  readonly nowMs: number;
  readonly client: ClientInfo;
}

export type UserOfSession = Pick<Session, 'userId' | 'username'>;

/**
 * A log-out and its place in the outbox, for the delivery right after the response. `entryId` is null if the outbox
 * rejected it (Redis is full): the session has ended all the same, and the caller writes the row itself.
 */
export type RecordedLogout = RecordedActivity<LogoutActivity>;

/** Which of the user's sessions to end: one, all but the credential's, or all. */
export type RevokeScope = { readonly only: SessionId } | 'others' | 'all';

export type RevokeResult =
  | { readonly status: 'revoked'; readonly logouts: readonly RecordedLogout[] }
  /** `only` names no open session of this user. Nothing was changed. */
  | { readonly status: 'not_found' }
  /** The credential is no open session. Nothing was changed. */
  | InvalidCheck;

export type ListResult = (ValidCheck & { readonly sessions: readonly Session[] }) | InvalidCheck;

export interface StartRequest {
  readonly tokenHash: TokenHash;
  readonly session: Session;
  /** Added to the outbox in the same step. */
  readonly login: LoginActivity;
  /** Of the request's session cookies: these sessions end with `replaced`, any user's. */
  readonly replaces: readonly TokenHash[];
  /**
   * Names the form that was sent; null: there was none. A session that the same user started with it in the last two
   * minutes ends with `replaced`: the form was sent twice.
   */
  readonly form: string | null;
  /** The oldest sessions beyond this many end with `evicted`; 0 for no limit. */
  readonly maxSessionsPerUser: number;
  /** When the password check began, in Unix ms. A later cutoff refuses the start. */
  readonly checkedFromMs: number;
  readonly operation: Operation;
}

export type StartResult =
  | {
      readonly status: 'started';
      /** Null for a retry after a lost reply, whose events are in the outbox: the cron delivers them. */
      readonly loginEntryId: string | null;
      /** As in `RecordedActivity`. */
      readonly loginQueuedFor?: readonly QueuedFor[];
      readonly logouts: readonly RecordedLogout[];
    }
  /** The start was abandoned, or the password changed since it was checked. Nothing was changed. */
  | { readonly status: 'superseded' };

export type RenewResult =
  | { readonly status: 'renewed'; readonly session: Session; readonly logouts: readonly RecordedLogout[] }
  /** The new token was abandoned. Nothing was changed but the cutoff. */
  | { readonly status: 'superseded' }
  /** The credential is no open session any more. The user's other sessions ended all the same. */
  | (InvalidCheck & { readonly logouts: readonly RecordedLogout[] });

/**
 * Where sessions live. Absence is a result, never an error; an outage is an error, never a result: each method throws
 * `store_unavailable` if the store didn't reply in time, and the response is 503 and keeps the cookie.
 * Each method is one command to the store, atomic there, and safe to repeat after a lost reply.
 *
 * An expired session that a method comes across while it ends sessions gets its own row (`expired_idle`,
 * `expired_absolute`), as it does from the cron (`SessionEnds`), and is none of the log-outs that the method returns.
 *
 * What a later release wrote in a form that this one can't read is no session: it signs no one in, is in no list and
 * counts towards no limit. But whatever ends sessions ends it as well, as another Worker may read it.
 */
export interface SessionStore {
  /**
   * Which of these tokens is an open session of this kind, see `chooseSession`? One read of all of them. It sees every
   * confirmed sign-out, unless `SESSION_READS` is `replica` and `fromPrimary` isn't set: what ends a session or expires a
   * cookie must set it.
   */
  check(
    offered: OfferedTokens,
    nowMs: number,
    options?: { readonly fromPrimary: boolean },
  ): Promise<SessionCheck>;

  /**
   * Moves `lastSeenAtMs`, and with it the idle end, if the session is still there under this token. It never creates one, so a refresh
   * that races a sign-out can't revive the session. False: there was nothing to move.
   */
  refresh(tokenHash: TokenHash, session: Session): Promise<boolean>;

  /**
   * Ends the sessions it replaces and the oldest beyond the limit, writes the record, lists it in the user's index and
   * adds the login and the log-outs to the outbox.
   */
  start(request: StartRequest): Promise<StartResult>;

  /**
   * For a start or a renewal whose reply was lost: ends the session with `abandoned` if it has begun, and keeps it from
   * beginning if the command is still under way. No client has its token, so to the outside it never existed.
   */
  abandon(
    tokenHash: TokenHash,
    session: Pick<Session, 'id' | 'userId'>,
    operation: Operation,
  ): Promise<readonly RecordedLogout[]>;

  /** Ends those of these tokens' sessions that are open. */
  end(
    tokenHashes: readonly TokenHash[],
    kind: Credential['kind'],
    reason: LogoutReason,
    operation: Operation,
  ): Promise<readonly RecordedLogout[]>;

  /**
   * Ends sessions of the user of the token that counts, if one does. If its own session is among them, those of all these
   * tokens end too, as all cookies will expire.
   */
  revoke(authorized: AuthorizedTokens, scope: RevokeScope, operation: Operation): Promise<RevokeResult>;

  /** The session that counts and all open ones of its user, newest first. */
  list(offered: OfferedTokens, nowMs: number): Promise<ListResult>;

  /**
   * After a password change: gives the credential's session a new token, ends the user's other sessions with
   * `password_changed`, refuses starts whose password was checked earlier, and settles the change (`PasswordChanges`). A
   * session that was renewed meanwhile is renewed once more. With `isCopy` the password had been changed already, so a
   * credential that is no open session ends no others.
   */
  renew(
    credential: Credential,
    newTokenHash: TokenHash,
    session: Pick<Session, 'id'> & UserOfSession,
    operation: Operation,
    isCopy?: boolean,
  ): Promise<RenewResult>;

  /**
   * The same without a new token: all of the user's sessions end but the one under `keep`. With `keepFromMs`, those
   * that began at that time or later stay, and nothing ends if the change of that token is settled.
   */
  endOthers(
    user: UserOfSession,
    keep: TokenHash,
    operation: Operation,
    keepFromMs?: number,
  ): Promise<readonly RecordedLogout[]>;

  /**
   * Ends those of these sessions that are open, without a log-out: their rows exist. For sign-outs that Redis lost in a
   * failover. Returns the ids of those that were open.
   */
  endAgain(ended: readonly LogoutActivity[], nowMs: number): Promise<readonly SessionId[]>;
}

/** How long an abandoned token is remembered: longer than a command can be under way. */
export const ABANDONED_TOKEN_SECONDS = 3600;
/** How long the reply of an operation is kept for a retry: much longer than a request lives. */
export const RECEIPT_SECONDS = 120;
/** How long the tombstone of a session is kept whose end can't be read: as long as most could have lived. */
export const TOMBSTONE_SECONDS = 30 * 86_400;
/**
 * How long the record of an expired session waits for the cron, and how long after its end a tombstone still says that it
 * expired. A cron that was away for a day misses none.
 */
export const EXPIRED_KEPT_SECONDS = 2 * 86_400;
/** How long a cutoff is kept: longer than a sign-in takes. */
export const CUTOFF_SECONDS = 120;
/** How long a sign-in form is remembered, so that a copy of it replaces the first one's session. */
export const SIGN_IN_FORM_SECONDS = 120;
