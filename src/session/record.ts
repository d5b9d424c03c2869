import { LOGOUT_REASONS, type LogoutReason } from '../activity/events.ts';
import type { SessionId, UserId } from '../lib/ids.ts';
import { nonEmptyTextOrNull } from '../lib/text.ts';
import { isExpired } from './rules.ts';
import type { Session, SessionCheck, SessionKind, Tombstone } from './session.ts';

/**
 * A session as stored in Redis: a JSON array, as short as a person can still read. Positions:
 *
 *     version, id, userId, username, kind ('c' or 'b'), rememberMe (0 or 1), createdAtMs,
 *     lastSeenAtMs (ms after createdAtMs), absolute end (seconds after createdAtMs), idleAgeSeconds,
 *     ipAddress, userAgent, country, deviceName
 *
 * Absent texts are empty, as Lua's JSON has no null, and left out at the end. An ordinary record is at most 251 bytes
 * long, for which Redis's allocator takes 256. The first five positions mean the same in every version: by them a session
 * of a later one can be ended. CONTRIBUTING.md says how to introduce a version.
 */
export const RECORD_VERSION = 1;
/** First element of a tombstone: `[0, sessionId, userId, reason, endedAtMs, ipAddress]`. */
export const TOMBSTONE_VERSION = 0;

const KIND_LETTERS = { cookie: 'c', bearer: 'b', either: '' } as const;
/** A kind as the record and the scripts write it; empty stands for either. */
export const kindLetter = (kind: keyof typeof KIND_LETTERS): string => KIND_LETTERS[kind];

/** The session as it is stored. An absolute end between two seconds comes up to a second early. */
export function encodeSession(session: Session): string {
  const fields = [
    RECORD_VERSION,
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

/** Reads what is stored under a session's key. Null: neither a session of this version nor a tombstone. */
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
  const [, id, userId, username, kind, rememberMe, ...rest] = fields;
  const [createdAtMs, lastSeen, end, idleAgeSeconds, ip, userAgent, country, deviceName] = rest;
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof username !== 'string') return null;
  if (kind !== 'c' && kind !== 'b') return null;
  // Redis's PXAT takes whole numbers only.
  if (!isInteger(createdAtMs) || !isInteger(lastSeen) || !isInteger(end) || !isInteger(idleAgeSeconds)) {
    return null;
  }
  return {
    session: {
      id: id as SessionId,
      userId: userId as UserId,
      username,
      kind: kind === 'c' ? 'cookie' : 'bearer',
      rememberMe: rememberMe === 1,
      createdAtMs,
      lastSeenAtMs: createdAtMs + lastSeen,
      expiresAtMs: createdAtMs + end * 1000,
      idleAgeSeconds,
      client: {
        ipAddress: nonEmptyTextOrNull(ip),
        userAgent: nonEmptyTextOrNull(userAgent),
        country: nonEmptyTextOrNull(country),
      },
      deviceName: nonEmptyTextOrNull(deviceName),
    },
  };
}

const TOMBSTONE_REASONS: readonly unknown[] = [...LOGOUT_REASONS, 'renewed', 'abandoned'];

function decodeTombstone(fields: readonly unknown[]): { tombstone: Tombstone } | null {
  const [, sessionId, userId, reason, endedAtMs, ip] = fields;
  if (typeof sessionId !== 'string' || typeof userId !== 'string' || typeof endedAtMs !== 'number')
    return null;
  if (!TOMBSTONE_REASONS.includes(reason)) return null;
  return {
    tombstone: {
      sessionId: sessionId as SessionId,
      userId: userId as UserId,
      reason: reason as LogoutReason | 'renewed' | 'abandoned',
      endedAtMs,
      ipAddress: nonEmptyTextOrNull(ip),
    },
  };
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

/**
 * Validates what was found under a token's key: the one place where a stored record becomes "signed in".
 * `text` null: nothing is stored there. A record that can't be read is no session (fails closed).
 */
export function checkRecord(text: string | null, kind: SessionKind | 'either', nowMs: number): SessionCheck {
  const record = text === null ? null : decodeRecord(text);
  if (record === null) return { status: 'invalid', reason: 'unknown' };
  if ('tombstone' in record) {
    // The token of an abandoned start was never issued: to the outside it never existed.
    return record.tombstone.reason === 'abandoned'
      ? { status: 'invalid', reason: 'unknown' }
      : { status: 'invalid', reason: 'ended', tombstone: record.tombstone };
  }
  const { session } = record;
  // A cookie's token used as a bearer, or the reverse, was stolen or mixed up.
  if (kind !== 'either' && session.kind !== kind) return { status: 'invalid', reason: 'unknown' };
  if (isExpired(session, nowMs)) return { status: 'invalid', reason: 'expired' };
  return { status: 'valid', session };
}
