import type { UserId } from '../lib/ids.ts';
import { isFailedAttempt, type Activity, type LogoutActivity } from './events.ts';

/** Of CAEP 1.0, section 3.1. */
export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
/** Ours: neither CAEP nor RISC has a type for them with an outcome. */
export const SIGN_IN = 'urn:cloud-hoskie:event:sign-in';
export const SIGN_IN_FAILED = 'urn:cloud-hoskie:event:sign-in-failed';

/**
 * The claims of a Security Event Token (RFC 8417) about an event, but for issuer, audience and time of issue. `jti` is the
 * event's id, the primary key of its row. There is neither `sub` nor `exp` (RFC 8417 sections 4.5 and 4.6 advise against
 * them), so that nothing takes it for an identity.
 */
export function eventClaims(activity: Activity, issuer: string): Record<string, unknown> {
  const { client } = activity;
  const isLogout = activity.type === 'logout';
  const atMs = isLogout ? activity.loggedOutAtMs : activity.occurredAtMs;
  const atSeconds = Math.floor(atMs / 1000);
  const event = {
    event_timestamp: atSeconds,
    ...(isLogout && { initiating_entity: initiatorOf(activity) }),
    // Ours, from here on.
    ...(isLogout ? { reason: activity.reason } : { outcome: activity.outcome }),
    ...(activity.username !== '' && { username: activity.username }),
    occurred_at: new Date(atMs).toISOString(),
    ip_address: client.ipAddress,
    user_agent: client.userAgent,
    country: client.country,
  };
  const subject = subjectOf(activity, issuer);
  return {
    jti: activity.id,
    toe: atSeconds,
    ...(subject !== null && { sub_id: subject }),
    events: { [typeOf(activity)]: event },
  };
}

function typeOf(activity: Activity): string {
  if (activity.type === 'logout') return SESSION_REVOKED;
  return isFailedAttempt(activity) ? SIGN_IN_FAILED : SIGN_IN;
}

/** RFC 9493, with the complex subjects of the Shared Signals Framework. Null: no user has the name that was tried. */
function subjectOf({ userId, sessionId }: Activity, issuer: string): object | null {
  if (userId === null && sessionId === null) return null;
  return {
    format: 'complex',
    ...(userId !== null && { user: userSubject(userId, issuer) }),
    ...(sessionId !== null && { session: { format: 'opaque', id: sessionId } }),
  };
}

const userSubject = (userId: UserId, issuer: string) => ({ format: 'iss_sub', iss: issuer, sub: userId });

/** CAEP 1.0, section 2. A later release may have reasons that this one doesn't know. */
function initiatorOf({ reason }: Pick<LogoutActivity, 'reason'>): 'admin' | 'user' | 'policy' | 'system' {
  switch (reason) {
    case 'logout':
    case 'logout_others':
    case 'logout_all':
    case 'revoked':
    case 'replaced':
    case 'password_changed':
      return 'user';
    case 'admin':
      return 'admin';
    case 'evicted':
    case 'expired_idle':
    case 'expired_absolute':
      return 'policy';
    case 'abandoned':
    default:
      return 'system';
  }
}
