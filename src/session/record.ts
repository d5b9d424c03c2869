import { isExpiry, LOGOUT_REASONS } from '../activity/events.ts';
import type { SessionId, UserId } from '../lib/ids.ts';
import { nonEmptyTextOrNull } from '../lib/text.ts';
import { isExpired } from './rules.ts';
import type { Credential } from './session-store.ts';
import type { InvalidCheck, Session, SessionCheck, Tombstone } from './session.ts';

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
/** First element of a tombstone: `[1, sessionId, userId, reason, endedAtMs, ipAddress]`. */
const TOMBSTONE_VERSION = 1;

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

function parseArray(text: string): readonly unknown[] {
  try {
    const fields: unknown = JSON.parse(text);
    return Array.isArray(fields) ? fields : [];
  } catch {
    return [];
  }
}

/** Reads a record. Null: it is no session that this version can read. */
export function decodeSession(text: string): Session | null {
  const fields = parseArray(text);
  return fields[0] === RECORD_VERSION ? sessionOf(fields) : null;
}

/** Reads a tombstone. Null: it is none that this version can read. */
export function decodeTombstone(text: string): Tombstone | null {
  const fields = parseArray(text);
  return fields[0] === TOMBSTONE_VERSION ? tombstoneOf(fields) : null;
}

function sessionOf(fields: readonly unknown[]): Session | null {
  const [, id, userId, username, kind, rememberMe, ...rest] = fields;
  const [createdAtMs, lastSeen, end, idleAgeSeconds, ip, userAgent, country, deviceName] = rest;
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof username !== 'string') return null;
  if (kind !== 'c' && kind !== 'b') return null;
  // Redis's PXAT takes whole numbers only.
  if (!isInteger(createdAtMs) || !isInteger(lastSeen) || !isInteger(end) || !isInteger(idleAgeSeconds)) {
    return null;
  }
  return {
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
  };
}

const TOMBSTONE_REASONS: readonly unknown[] = [...LOGOUT_REASONS, 'renewed'];

function tombstoneOf(fields: readonly unknown[]): Tombstone | null {
  const [, sessionId, userId, reason, endedAtMs, ip] = fields;
  if (typeof sessionId !== 'string' || typeof userId !== 'string' || typeof endedAtMs !== 'number')
    return null;
  if (!TOMBSTONE_REASONS.includes(reason)) return null;
  return {
    sessionId: sessionId as SessionId,
    userId: userId as UserId,
    reason: reason as Tombstone['reason'],
    endedAtMs,
    ipAddress: nonEmptyTextOrNull(ip),
  };
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

/** What is stored under a token's two keys; null: nothing. */
export interface StoredToken {
  readonly record: string | null;
  readonly tombstone: string | null;
}

/**
 * Validates what was found under a token's keys: the one place where a stored record becomes "signed in". A record that
 * can't be read is no session, and any tombstone, readable or not, means that it has ended (fails closed).
 */
export function checkStored(
  { record, tombstone }: StoredToken,
  { kind, tokenHash }: Credential,
  nowMs: number,
): SessionCheck {
  if (tombstone !== null) return checkTombstone(decodeTombstone(tombstone));
  const session = record === null ? null : decodeSession(record);
  // A cookie's token used as a bearer, or the reverse, was stolen or mixed up.
  if (session === null || (kind !== 'either' && session.kind !== kind)) {
    return { status: 'invalid', reason: 'unknown' };
  }
  if (isExpired(session, nowMs)) return { status: 'invalid', reason: 'expired' };
  return { status: 'valid', session, tokenHash };
}

function checkTombstone(tombstone: Tombstone | null): InvalidCheck {
  if (tombstone === null) return { status: 'invalid', reason: 'ended' };
  // The token of an abandoned start was never issued: to the outside it never existed.
  if (tombstone.reason === 'abandoned') return { status: 'invalid', reason: 'unknown' };
  // As before the cron recorded it.
  if (isExpiry(tombstone.reason)) return { status: 'invalid', reason: 'expired' };
  return { status: 'invalid', reason: 'ended', tombstone };
}

/**
 * Which of a request's tokens counts. A sibling site may have planted a cookie of our name, or a dead one may be left: the
 * one that is open counts; of several of one user, the newest; of several users, none. `FIND_OWN` in
 * script-functions.ts is the same rule.
 */
export function chooseSession(checks: readonly SessionCheck[]): SessionCheck {
  const [newest, ...others] = checks
    .filter((check) => check.status === 'valid')
    .sort((a, b) => newestFirst(a.session, b.session));
  if (newest === undefined) {
    const invalid = checks.filter((check) => check.status === 'invalid');
    const endedAtMs = (check: InvalidCheck): number => check.tombstone?.endedAtMs ?? 0;
    const telling = invalid
      .filter(({ reason }) => reason !== 'unknown')
      .sort((a, b) => endedAtMs(b) - endedAtMs(a));
    return telling[0] ?? { status: 'invalid', reason: 'unknown' };
  }
  const users = new Set([newest, ...others].map(({ session }) => session.userId));
  return users.size === 1 ? newest : { status: 'invalid', reason: 'unknown', usersInConflict: [...users] };
}

export const newestFirst = (a: Session, b: Session): number =>
  b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1);
