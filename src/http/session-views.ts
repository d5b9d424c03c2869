import type { LogoutActivity } from '../activity/events.ts';
import type { SessionId } from '../lib/ids.ts';
import type { RecordedLogout } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import type { LogoutsView, ReceiptView, SessionView, UserView } from './response-schemas.ts';

// Sessions and log-outs as the API and other Workers see them.

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();

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

const viewLogout = (activity: LogoutActivity): ReceiptView['logouts'][number] => ({
  id: activity.id,
  session_id: activity.sessionId,
  reason: activity.reason,
  logged_out_at: rfc3339(activity.loggedOutAtMs),
});

/** What a sign-out confirms. */
export const viewReceipt = (logouts: readonly RecordedLogout[]): ReceiptView => ({
  revoked: logouts.length,
  logouts: logouts.map(({ activity }) => viewLogout(activity)),
});

export const viewPastLogout = (activity: LogoutActivity): LogoutsView['logouts'][number] => ({
  ...viewLogout(activity),
  ip_address: activity.client.ipAddress,
  user_agent: activity.client.userAgent,
  country: activity.client.country,
});
