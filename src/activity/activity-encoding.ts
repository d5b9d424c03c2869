import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, UserId, Uuid } from '../lib/ids.ts';
import { nonEmptyTextOrNull } from '../lib/text.ts';
import type { Activity, LoginOutcome, LogoutReason } from './events.ts';

/** Of the form of an event in the outbox; CONTRIBUTING.md says how to introduce the next one. */
export const EVENT_VERSION = 1;

/** A reason or an outcome, as their columns take it. A later release may have words that this one doesn't know. */
const WORD = /^[a-z_]{1,32}$/;

/**
 * An event as stored in the outbox: a JSON object with its version as `v`. The session scripts write log-outs (Lua's JSON has no null, so absent
 * texts are empty), `encodeActivity` writes sign-ins; `parseActivity` reads both.
 */
export function encodeActivity(activity: Activity): string {
  const { client } = activity;
  const common = {
    v: EVENT_VERSION,
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

/** Reads an event. Null: it has a later version, or is damaged; a later release may read it. */
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
  const { v: version, type, id, username, at } = fields;
  if (version !== EVENT_VERSION) return null;
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
    const { reason } = fields;
    if (userId === null || sessionId === null || !isWord(reason)) return null;
    return { type, ...common, userId, sessionId, reason: reason as LogoutReason, loggedOutAtMs: at };
  }
  if (type === 'login') {
    const { outcome } = fields;
    if (!isWord(outcome)) return null;
    return { type, ...common, userId, sessionId, outcome: outcome as LoginOutcome, occurredAtMs: at };
  }
  return null;
}

const isWord = (value: unknown): value is string => typeof value === 'string' && WORD.test(value);
