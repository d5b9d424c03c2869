import type { LogoutReason } from '../activity/events.ts';
import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, UserId } from '../lib/ids.ts';
import type { TokenHash } from './token.ts';

/** The channel a session was started through: a browser's cookie or an app's bearer token. Neither works as the other. */
export type SessionKind = 'cookie' | 'bearer';

/** A session as the stores keep it. Its token is no part of it: only the client has that. */
export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly username: string;
  readonly kind: SessionKind;
  readonly rememberMe: boolean;
  readonly createdAtMs: number;
  /** Written at most every few minutes, see `needsRefresh`. */
  readonly lastSeenAtMs: number;
  /** Absolute end; never moves. */
  readonly expiresAtMs: number;
  /** Seconds without a request after which the session expires. */
  readonly idleAgeSeconds: number;
  /** Who sent the request that signed in. */
  readonly client: ClientInfo;
  /** As the app named it; null if it didn't. */
  readonly deviceName: string | null;
}

/** What is remembered of an ended session: until its absolute end, or for a while after it expired. */
export interface Tombstone {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly reason: LogoutReason | 'renewed';
  readonly endedAtMs: number;
  /** Address of the request that ended it; if it expired, of the one that signed in. */
  readonly ipAddress: string | null;
}

/** Why a credential is no open session. */
export type InvalidReason = 'missing' | 'malformed' | 'unknown' | 'expired' | 'ended';

export interface InvalidCheck {
  readonly status: 'invalid';
  readonly reason: InvalidReason;
  readonly tombstone?: Tombstone;
  /** The cookies hold open sessions of several users, so none of them counts. */
  readonly usersInConflict?: readonly UserId[];
}

/** The result of "is this an open session?". An outage is no result: it is thrown. */
export type SessionCheck = ValidCheck | InvalidCheck;

export interface ValidCheck {
  readonly status: 'valid';
  readonly session: Session;
  /** Of the token that counts: a request may offer several. */
  readonly tokenHash: TokenHash;
}
