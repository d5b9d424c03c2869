import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, UserId, Uuid } from '../lib/ids.ts';

/** Why a session ended, as written in `logout_activity.reason`. Events and rows of a later release may have others. */
export const LOGOUT_REASONS = [
  'logout',
  'logout_others',
  'logout_all',
  'revoked',
  'replaced',
  'evicted',
  'password_changed',
  'admin',
  'expired_idle',
  'expired_absolute',
  'abandoned',
] as const;
export type LogoutReason = (typeof LOGOUT_REASONS)[number];

/** Whether a session ended by itself. */
export const isExpiry = (reason: string): boolean =>
  reason === 'expired_idle' || reason === 'expired_absolute';

/** What became of an attempt, as written in `login_activity.outcome`; a later release may have others. */
export const LOGIN_OUTCOMES = ['success', 'bad_credentials', 'inactive', 'throttled'] as const;
export type LoginOutcome = (typeof LOGIN_OUTCOMES)[number];

/** A session ended. `client` sent the request that ended it; if it expired, the one that signed in. */
export interface LogoutActivity {
  readonly type: 'logout';
  /** Primary key of its row; made once, when the session ended. */
  readonly id: Uuid;
  readonly userId: UserId;
  readonly username: string;
  readonly sessionId: SessionId;
  readonly reason: LogoutReason;
  readonly client: ClientInfo;
  readonly loggedOutAtMs: number;
}

/** An attempt to sign in. */
export interface LoginActivity {
  readonly type: 'login';
  readonly id: Uuid;
  /** Null: no user has that name. */
  readonly userId: UserId | null;
  readonly username: string;
  readonly outcome: LoginOutcome;
  /** Null unless a session began. */
  readonly sessionId: SessionId | null;
  readonly client: ClientInfo;
  readonly occurredAtMs: number;
}

export type Activity = LogoutActivity | LoginActivity;

/** When an event happened, in Unix ms. */
export const atMsOf = (activity: Activity): number =>
  activity.type === 'logout' ? activity.loggedOutAtMs : activity.occurredAtMs;

/** A sign-in that failed. Any client can cause any number of them. */
export const isFailedAttempt = (activity: Activity): boolean =>
  activity.type === 'login' && activity.outcome !== 'success';
