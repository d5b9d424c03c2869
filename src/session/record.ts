import { LOGOUT_REASONS, type LogoutReason } from '../activity/events.ts';
import { isExpired } from './rules.ts';
import type { Session, SessionCheck, SessionKind, Tombstone } from './session.ts';
import type { SessionId, UserId } from './token.ts';

/**
 * The form in which a session lies in Redis: a JSON array, positions below, as short as can be read by hand.
 * The first element tells what it is. The scripts read the same positions (Lua counts from 1).
 * Absent texts are empty strings, so that Lua need not know null.
 */
export const RECORD_VERSION = 1;
/** First element of a tombstone: `[0, sessionId, userId, reason, endedAtMs, ipAddress]`. */
export const TOMBSTONE_VERSION = 0;

const KIND_LETTERS = { cookie: 'c', bearer: 'b', either: '' } as const;
/** As the record and the scripts write a kind; empty stands for either. */
export const kindLetter = (kind: keyof typeof KIND_LETTERS): string => KIND_LETTERS[kind];

/** The session as it is stored. */
export function encodeSession(session: Session): string {
  return JSON.stringify([
    RECORD_VERSION,
    session.id,
    session.userId,
    session.username,
    kindLetter(session.kind),
    session.rememberMe ? 1 : 0,
    session.createdAtMs,
    session.lastSeenAtMs,
    session.expiresAtMs,
    session.idleAgeSeconds,
    session.client.ipAddress ?? '',
    session.client.userAgent ?? '',
    session.client.country ?? '',
    session.deviceName ?? '',
  ]);
}

export function encodeTombstone(tombstone: Tombstone): string {
  return JSON.stringify([
    TOMBSTONE_VERSION,
    tombstone.sessionId,
    tombstone.userId,
    tombstone.reason,
    tombstone.endedAtMs,
    tombstone.ipAddress ?? '',
  ]);
}

/** What lies under a session's key, or null when it is neither a session nor a tombstone. */
export function decodeRecord(text: string): { session: Session } | { tombstone: Tombstone } | null {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(fields)) return null;
  if (fields[0] === RECORD_VERSION) return decodeSession(fields);
  if (fields[0] === TOMBSTONE_VERSION) return decodeTombstone(fields);
  return null;
}

function decodeSession(fields: readonly unknown[]): { session: Session } | null {
  const [, id, userId, username, kind, remember, created, seen, expires, idle, ip, agent, country, device] =
    fields;
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof username !== 'string') return null;
  if (kind !== 'c' && kind !== 'b') return null;
  if (![created, seen, expires, idle].every((n) => typeof n === 'number' && Number.isFinite(n))) return null;
  return {
    session: {
      id: id as SessionId,
      userId: userId as UserId,
      username,
      kind: kind === 'c' ? 'cookie' : 'bearer',
      rememberMe: remember === 1,
      createdAtMs: created as number,
      lastSeenAtMs: seen as number,
      expiresAtMs: expires as number,
      idleAgeSeconds: idle as number,
      client: { ipAddress: textOrNull(ip), userAgent: textOrNull(agent), country: textOrNull(country) },
      deviceName: textOrNull(device),
    },
  };
}

const TOMBSTONE_REASONS: readonly unknown[] = [...LOGOUT_REASONS, 'renewed', 'abandoned'];

function decodeTombstone(fields: readonly unknown[]): { tombstone: Tombstone } | null {
  const [, sessionId, userId, reason, endedAt, ip] = fields;
  if (typeof sessionId !== 'string' || typeof userId !== 'string' || typeof endedAt !== 'number') return null;
  if (!TOMBSTONE_REASONS.includes(reason)) return null;
  return {
    tombstone: {
      sessionId: sessionId as SessionId,
      userId: userId as UserId,
      reason: reason as LogoutReason | 'renewed' | 'abandoned',
      endedAtMs: endedAt,
      ipAddress: textOrNull(ip),
    },
  };
}

const textOrNull = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

/**
 * Judges what was found under a token's key: the one place where a stored record becomes "signed in".
 * `text` null: nothing lies there. A record that cannot be read is no session (fails closed).
 */
export function judgeRecord(text: string | null, kind: SessionKind | 'either', nowMs: number): SessionCheck {
  if (text === null) return { status: 'invalid', reason: 'unknown' };
  const record = decodeRecord(text);
  if (record === null) return { status: 'invalid', reason: 'unknown' };
  if ('tombstone' in record) {
    // An abandoned start was never given to anybody: to the outside it never was.
    return record.tombstone.reason === 'abandoned'
      ? { status: 'invalid', reason: 'unknown' }
      : { status: 'invalid', reason: 'ended', tombstone: record.tombstone };
  }
  const { session } = record;
  // A cookie's token shown as a bearer (or the reverse) was stolen or mixed up: it opens nothing.
  if (kind !== 'either' && session.kind !== kind) return { status: 'invalid', reason: 'unknown' };
  if (isExpired(session, nowMs)) return { status: 'invalid', reason: 'expired' };
  return { status: 'valid', session };
}
