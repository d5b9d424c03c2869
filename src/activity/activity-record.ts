import type { SessionId, UserId } from '../session/token.ts';
import type { Uuid } from '../uuid.ts';
import {
  LOGIN_OUTCOMES,
  LOGOUT_REASONS,
  type Activity,
  type ClientInfo,
  type LoginOutcome,
  type LogoutReason,
} from './events.ts';

/**
 * The form of an event in the outbox: a JSON object. Logouts are written by the session scripts (which know no
 * null, so absent texts are empty), logins by `encodeActivity`; both are read here.
 */
export function encodeActivity(activity: Activity): string {
  const { client } = activity;
  const common = {
    type: activity.type,
    id: activity.id,
    userId: activity.userId ?? '',
    username: activity.username,
    sessionId: activity.sessionId ?? '',
    ip: client.ipAddress ?? '',
    userAgent: client.userAgent ?? '',
    country: client.country ?? '',
  };
  return JSON.stringify(
    activity.type === 'logout'
      ? { ...common, reason: activity.reason, at: activity.loggedOutAtMs }
      : { ...common, outcome: activity.outcome, at: activity.occurredAtMs },
  );
}

/** Reads an event. Null: it is none; the caller sets it aside. */
export function parseRecordedActivity(value: unknown): Activity | null {
  if (typeof value !== 'string') return null;
  let record: unknown;
  try {
    record = JSON.parse(value);
  } catch {
    return null;
  }
  if (typeof record !== 'object' || record === null) return null;
  const fields = record as Record<string, unknown>;
  const { type, id, username, at } = fields;
  if (typeof id !== 'string' || typeof username !== 'string' || typeof at !== 'number') return null;
  // Beyond what a Date holds (ECMA-262 section 21.4.1.1) nothing could be written of it.
  if (Number.isNaN(new Date(at).getTime())) return null;
  const userId = textOrNull(fields['userId']) as UserId | null;
  const sessionId = textOrNull(fields['sessionId']) as SessionId | null;
  const client: ClientInfo = {
    ipAddress: textOrNull(fields['ip']),
    userAgent: textOrNull(fields['userAgent']),
    country: textOrNull(fields['country']),
  };
  const common = { id: id as Uuid, username, client };
  if (type === 'logout') {
    const reason = fields['reason'] as LogoutReason;
    if (userId === null || sessionId === null || !LOGOUT_REASONS.includes(reason)) return null;
    return { type, ...common, userId, sessionId, reason, loggedOutAtMs: at };
  }
  if (type === 'login') {
    const outcome = fields['outcome'] as LoginOutcome;
    if (!LOGIN_OUTCOMES.includes(outcome)) return null;
    return { type, ...common, userId, sessionId, outcome, occurredAtMs: at };
  }
  return null;
}

const textOrNull = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
