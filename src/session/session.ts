import type { ClientInfo, LogoutReason } from '../activity/events.ts';
import type { SessionId, UserId } from './token.ts';

/** Which door the session came through: a browser's cookie or an app's bearer token. Neither opens the other's. */
export type SessionKind = 'cookie' | 'bearer';

/** A session as the stores keep it. Its token is not part of it: nobody but the holder has that. */
export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly username: string;
  readonly kind: SessionKind;
  readonly rememberMe: boolean;
  readonly createdAtMs: number;
  /** Renewed at most every few minutes, see `needsRefresh`. */
  readonly lastSeenAtMs: number;
  /** Absolute end; never moved. */
  readonly expiresAtMs: number;
  /** Seconds without a request after which the session is over. */
  readonly idleAgeSeconds: number;
  /** Of the request that signed in. */
  readonly client: ClientInfo;
  /** As the app gave it; null when it gave none. */
  readonly deviceName: string | null;
}

/** What is left under a session's key after it was ended, for as long as the session could have lived. */
export interface Tombstone {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly reason: LogoutReason | 'renewed' | 'abandoned';
  readonly endedAtMs: number;
  /** Address of the request that ended it. */
  readonly ipAddress: string | null;
}

/** Why a token is no session. */
export type InvalidReason = 'missing' | 'malformed' | 'unknown' | 'expired' | 'ended';

/** The answer to "is this a session?". A store's outage is no answer: it is thrown. */
export type SessionCheck =
  | { readonly status: 'valid'; readonly session: Session }
  | { readonly status: 'invalid'; readonly reason: InvalidReason; readonly tombstone?: Tombstone };
