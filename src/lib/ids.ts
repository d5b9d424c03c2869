import { randomBytes, sha256 } from './hash.ts';

/** A UUID in lower-case text form, 36 characters (RFC 9562 section 4). */
export type Uuid = string & { readonly __brand: 'Uuid' };
/** Public name of a session: shown to its user, written to the activity tables. 26 characters, 130 random bits. */
export type SessionId = string & { readonly __brand: 'SessionId' };
/** `users.id` in decimal: a 64-bit number, so text here. */
export type UserId = string & { readonly __brand: 'UserId' };

/** Makes a UUIDv7: 48 bits of Unix time in ms, then randomness, so that rows land at the end of an index. */
export function uuidV7(nowMs: number): Uuid {
  const random = randomBytes(10);
  random[0] = (random[0]! & 0x0f) | 0x70; // version 7
  random[2] = (random[2]! & 0x3f) | 0x80; // variant 10
  const hex = Math.trunc(nowMs).toString(16).padStart(12, '0') + random.toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as Uuid;
}

/** Makes the UUID that a text always gives (version 8, RFC 9562 section 5.8). */
export function uuidOf(text: string): Uuid {
  const hex = sha256(text).toString('hex');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5') as Uuid;
}

// Crockford's base32 in lower case: no letters that look alike, nothing that a shell or URL would mind.
const SESSION_ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SESSION_ID_LENGTH = 26;
const SESSION_ID_PATTERN = /^[0-9a-hjkmnp-tv-z]{26}$/;

export function newSessionId(): SessionId {
  const letters = [...randomBytes(SESSION_ID_LENGTH)].map((byte) => SESSION_ID_ALPHABET[byte & 31]!);
  return letters.join('') as SessionId;
}

/** Reads a session id from outside. Null: no session can have that id. */
export function parseSessionId(value: unknown): SessionId | null {
  return typeof value === 'string' && SESSION_ID_PATTERN.test(value) ? (value as SessionId) : null;
}

/** No session has this id. It stands for text that can't be one, so that both get the same response. */
export const NO_SESSION_ID = '-' as SessionId;
