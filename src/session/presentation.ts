import type { RecordedLogout } from './session-store.ts';
import type { Session } from './session.ts';
import type { SessionId } from './token.ts';

/** A session as the API and other Workers see it: ids as text, times in RFC 3339 UTC, nothing of its token. */
export interface SessionView {
  readonly id: string;
  readonly current: boolean;
  readonly kind: 'cookie' | 'bearer';
  readonly created_at: string;
  /** At most 5 minutes old. */
  readonly last_seen_at: string;
  /** The absolute end; idleness may end it sooner. */
  readonly expires_at: string;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly device_name: string | null;
  readonly remember_me: boolean;
}

export interface UserView {
  readonly id: string;
  readonly username: string;
}

export interface ReceiptView {
  readonly revoked: number;
  readonly logouts: {
    readonly id: string;
    readonly session_id: string;
    readonly reason: RecordedLogout['activity']['reason'];
    readonly logged_out_at: string;
  }[];
}

export const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();

export function viewSession(session: Session, currentId: SessionId): SessionView {
  return {
    id: session.id,
    current: session.id === currentId,
    kind: session.kind,
    created_at: rfc3339(session.createdAtMs),
    last_seen_at: rfc3339(session.lastSeenAtMs),
    expires_at: rfc3339(session.expiresAtMs),
    ip_address: session.client.ipAddress,
    user_agent: session.client.userAgent,
    device_name: session.deviceName,
    remember_me: session.rememberMe,
  };
}

export const viewUser = (session: Session): UserView => ({ id: session.userId, username: session.username });

/** What a sign-out confirms: each id is the primary key of its `logout_activity` row. */
export function viewReceipt(logouts: readonly RecordedLogout[]): ReceiptView {
  return {
    revoked: logouts.length,
    logouts: logouts.map(({ activity }) => ({
      id: activity.id,
      session_id: activity.sessionId,
      reason: activity.reason,
      logged_out_at: rfc3339(activity.loggedOutAtMs),
    })),
  };
}
