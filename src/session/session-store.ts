import type { ClientInfo, LoginActivity, LogoutActivity, LogoutReason } from '../activity/events.ts';
import type { Uuid, UuidSeries } from '../uuid.ts';
import type { Session, SessionCheck, SessionKind } from './session.ts';
import type { SessionId, TokenHash, UserId } from './token.ts';

/** A credential as the store knows it: the hash of a token and the door it came through. */
export interface Holder {
  readonly tokenHash: TokenHash;
  /** `either` where only a bare token is known, between Workers; a request always tells. */
  readonly kind: SessionKind | 'either';
}

/** What a script that ends sessions needs to know of the request that asked for it. */
export interface Ending {
  /** One for each request: a script that is sent again after a lost answer gives its first answer again. */
  readonly operationId: Uuid;
  readonly nowMs: number;
  readonly client: ClientInfo;
  /** Where the ids of the logouts come from: the number of them is known in the script only. */
  readonly eventIds: UuidSeries;
}

/** A logout and its place in the outbox, for the delivery right after the answer. */
export interface RecordedLogout {
  readonly entryId: string;
  readonly activity: LogoutActivity;
}

/** Which sessions of the holder's user to end. */
export type RevokeScope =
  | { readonly only: SessionId }
  /** Also where the holder itself is no session any more: then all of this user's sessions end. */
  | { readonly all: 'others'; readonly because: 'password_changed'; readonly userId: UserId }
  | { readonly all: 'others' | 'everywhere' };

export type RevokeResult =
  | { readonly status: 'revoked'; readonly logouts: readonly RecordedLogout[] }
  /** `only` names no open session of this user. Nothing was changed. */
  | { readonly status: 'not_found' }
  /** The holder itself is no session. Nothing was changed, but for `password_changed`: the others ended. */
  | Extract<SessionCheck, { status: 'invalid' }>;

export type ListResult =
  | { readonly status: 'valid'; readonly session: Session; readonly sessions: readonly Session[] }
  | Extract<SessionCheck, { status: 'invalid' }>;

export type RenewResult =
  | { readonly status: 'renewed'; readonly session: Session; readonly logouts: readonly RecordedLogout[] }
  | Extract<SessionCheck, { status: 'invalid' }>;

export interface StartRequest {
  readonly tokenHash: TokenHash;
  readonly session: Session;
  /** Put into the outbox in the same step. */
  readonly login: LoginActivity;
  /** Tokens of cookies that came along: these sessions end with `replaced`, whoever's they are. */
  readonly replaces: readonly TokenHash[];
  /** The oldest sessions beyond this many end with `evicted`; 0 for no limit. */
  readonly maxSessionsPerUser: number;
  /** When the look at the user's password began, in Unix ms: a change since then refuses the start. */
  readonly checkedFromMs: number;
  readonly ending: Ending;
}

/** What a start put into the outbox. A repetition after a lost answer is told neither; the cron delivers them. */
export interface Started {
  /** Place of the login event. */
  readonly loginEntryId: string | null;
  readonly logouts: readonly RecordedLogout[];
}

/**
 * Where sessions live. Absence is an answer, never an error; an outage is an error, never an answer: every method
 * throws `StoreUnavailableError` when the store did not answer in time, and the caller says 503 and keeps the cookie.
 * Each method is one command to the store, atomic there, and safe to repeat after an answer that was lost.
 *
 * What a later release wrote in a form that this one cannot read is no session: nobody is signed in by it, no list
 * shows it, no limit counts it. But whatever ends sessions ends it like the others, as it may be one elsewhere.
 */
export interface SessionStore {
  /** Is this token an open session of this kind? One plain read. */
  check(holder: Holder, nowMs: number): Promise<SessionCheck>;

  /**
   * Moves `lastSeenAtMs` and the TTL, if the session is still open under this token: never makes one, so that
   * a refresh that races a logout cannot bring the session back. False: there was nothing to move.
   */
  refresh(tokenHash: TokenHash, session: Session): Promise<boolean>;

  /**
   * Ends what the session replaces, ends the oldest beyond the limit, writes the record, lists it and puts the
   * login and the logouts into the outbox. Throws `StartRefusedError` if the token was abandoned or the user's
   * password changed meanwhile.
   */
  start(request: StartRequest): Promise<Started>;

  /**
   * For a start whose answer never came: ends the session without a logout if it began, and keeps it from
   * beginning if the command is still under way somewhere.
   */
  abandon(tokenHash: TokenHash, session: Session, nowMs: number): Promise<void>;

  /** Ends the sessions of these tokens. Those that are open no longer, or never were, are left out of the answer. */
  end(
    tokenHashes: readonly TokenHash[],
    kind: Holder['kind'],
    reason: LogoutReason,
    ending: Ending,
  ): Promise<readonly RecordedLogout[]>;

  /** Ends sessions of the holder's user, if the holder is an open session. */
  revoke(holder: Holder, scope: RevokeScope, ending: Ending): Promise<RevokeResult>;

  /** The holder's session and all open ones of its user, newest first. Dead entries of the index are dropped. */
  list(holder: Holder, nowMs: number): Promise<ListResult>;

  /**
   * Gives the holder's session a new token, and ends the other ones of its user with `password_changed`.
   * Where the holder is no session any more, the others end all the same. Starts that were checked against the
   * old password are refused from here on. Throws `StartRefusedError` if the new token was abandoned meanwhile.
   */
  renew(holder: Holder, newTokenHash: TokenHash, ending: Ending, userId: UserId): Promise<RenewResult>;
}

/** The token of this start was given up, or the password it was checked against. The caller answers 503. */
export class StartRefusedError extends Error {
  override readonly name = 'StartRefusedError';
}

/** How long an abandoned token is remembered: longer than a command can be under way. */
export const ABANDONED_TOKEN_SECONDS = 3600;
/** How long the answer of an operation is kept for a repetition: much longer than a request lives. */
export const OPERATION_RECEIPT_SECONDS = 120;
