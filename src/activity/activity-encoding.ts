import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, UserId, Uuid } from '../lib/ids.ts';
import { nonEmptyTextOrNull } from '../lib/text.ts';
import {
  LOGIN_OUTCOMES,
  LOGOUT_REASONS,
  type Activity,
  type LoginOutcome,
  type LogoutReason,
} from './events.ts';

/**
 * An event as stored in the outbox: a JSON object. The session scripts write log-outs (Lua's JSON has no null, so absent
 * texts are empty), `encodeActivity` writes sign-ins; `parseActivity` reads both.
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

/** Reads an event. Null: it isn't one that this version knows; the caller sets it aside. */
export function parseActivity(value: unknown): Activity | null {
  if (typeof value !== 'string') return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const fields = parsed as Record<string, unknown>;
  const { type, id, username, at } = fields;
  if (typeof id !== 'string' || typeof username !== 'string' || typeof at !== 'number') return null;
  // Beyond what a Date can hold (ECMA-262 section 21.4.1.1) there is no time to write.
  if (Number.isNaN(new Date(at).getTime())) return null;
  const userId = nonEmptyTextOrNull(fields['userId']) as UserId | null;
  const sessionId = nonEmptyTextOrNull(fields['sessionId']) as SessionId | null;
  const client: ClientInfo = {
    ipAddress: nonEmptyTextOrNull(fields['ip']),
    userAgent: nonEmptyTextOrNull(fields['userAgent']),
    country: nonEmptyTextOrNull(fields['country']),
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
