import { LOGOUT_REASONS, type LogoutReason } from '../activity/events.ts';
import { isExpired } from './rules.ts';
import type { Session, SessionCheck, SessionKind, Tombstone } from './session.ts';
import type { SessionId, UserId } from './token.ts';

/**
 * The form in which a session lies in Redis: a JSON array, as short as can be read by hand. Positions:
 *
 *     version, id, userId, username, kind ('c' or 'b'), rememberMe (0 or 1), createdAtMs,
 *     lastSeenAtMs and the absolute end, idleAgeSeconds, ipAddress, userAgent, country, deviceName
 *
 * Version 1, which is read only, has both times in Unix ms. Version 2 counts them from createdAtMs, the first in ms,
 * the second in whole seconds, and leaves out the empty texts at the end: an ordinary record is at most 251 bytes
 * long, for which the allocator of Redis takes 256 instead of 320.
 * The scripts read the same positions (Lua counts from 1). Absent texts are empty strings, so that Lua need not know
 * null. The first five positions mean the same in every version: by them a session of a later one can be ended.
 *
 * A version is written only when no Worker is left that cannot read it, see CONTRIBUTING.md.
 */
export const WRITTEN_VERSION = 2;
/** First element of a tombstone: `[0, sessionId, userId, reason, endedAtMs, ipAddress]`. */
export const TOMBSTONE_VERSION = 0;

const KIND_LETTERS = { cookie: 'c', bearer: 'b', either: '' } as const;
/** As the record and the scripts write a kind; empty stands for either. */
export const kindLetter = (kind: keyof typeof KIND_LETTERS): string => KIND_LETTERS[kind];

/** The session as it is stored. An end that is no whole second after the beginning comes up to a second early. */
export function encodeSession(session: Session): string {
  const fields = [
    WRITTEN_VERSION,
    session.id,
    session.userId,
    session.username,
    kindLetter(session.kind),
    session.rememberMe ? 1 : 0,
    session.createdAtMs,
    session.lastSeenAtMs - session.createdAtMs,
    Math.floor((session.expiresAtMs - session.createdAtMs) / 1000),
    session.idleAgeSeconds,
    session.client.ipAddress ?? '',
    session.client.userAgent ?? '',
    session.client.country ?? '',
    session.deviceName ?? '',
  ];
  while (fields.at(-1) === '') fields.pop();
  return JSON.stringify(fields);
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
  if (fields[0] === 1 || fields[0] === 2) return decodeSession(fields);
  if (fields[0] === TOMBSTONE_VERSION) return decodeTombstone(fields);
  return null;
}

function decodeSession(fields: readonly unknown[]): { session: Session } | null {
  const [version, id, userId, username, kind, remember, ...rest] = fields;
  const [created, seen, expires, idle, ip, agent, country, device] = rest;
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof username !== 'string') return null;
  if (kind !== 'c' && kind !== 'b') return null;
  // Whole numbers: PXAT takes no others.
  if (![created, seen, expires, idle].every(Number.isSafeInteger)) return null;
  const [createdAtMs, lastSeen, end] = [created as number, seen as number, expires as number];
  return {
    session: {
      id: id as SessionId,
      userId: userId as UserId,
      username,
      kind: kind === 'c' ? 'cookie' : 'bearer',
      rememberMe: remember === 1,
      createdAtMs,
      lastSeenAtMs: version === 1 ? lastSeen : createdAtMs + lastSeen,
      expiresAtMs: version === 1 ? end : createdAtMs + end * 1000,
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
