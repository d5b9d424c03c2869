import type { SessionId, UserId } from '../session/token.ts';
import type { Uuid } from '../uuid.ts';

/** What the request that did something tells of its sender; each part null when it is not told. */
export interface ClientInfo {
  /** IPv4 or compressed IPv6 text. */
  readonly ipAddress: string | null;
  /** At most 512 characters, well-formed Unicode. */
  readonly userAgent: string | null;
  /** Two characters, as Cloudflare tells it. */
  readonly country: string | null;
}

/** Why a session ended, as written in `logout_activity.reason`. */
export const LOGOUT_REASONS = [
  'logout',
  'logout_others',
  'logout_all',
  'revoked',
  'replaced',
  'evicted',
  'password_changed',
  'admin',
] as const;
export type LogoutReason = (typeof LOGOUT_REASONS)[number];

export const LOGIN_OUTCOMES = ['success', 'bad_credentials', 'inactive', 'throttled'] as const;
export type LoginOutcome = (typeof LOGIN_OUTCOMES)[number];

/** One session ended. `client` is that of the request that ended it, not of the session's own. */
export interface LogoutActivity {
  readonly type: 'logout';
  /** Primary key of its row: made once, at the end of the session. */
  readonly id: Uuid;
  readonly userId: UserId;
  readonly username: string;
  readonly sessionId: SessionId;
  readonly reason: LogoutReason;
  readonly client: ClientInfo;
  readonly loggedOutAtMs: number;
}

/** One attempt to sign in. */
export interface LoginActivity {
  readonly type: 'login';
  readonly id: Uuid;
  /** Null: nobody has that name. */
  readonly userId: UserId | null;
  readonly username: string;
  readonly outcome: LoginOutcome;
  /** Null unless a session began. */
  readonly sessionId: SessionId | null;
  readonly client: ClientInfo;
  readonly occurredAtMs: number;
}

export type Activity = LogoutActivity | LoginActivity;
