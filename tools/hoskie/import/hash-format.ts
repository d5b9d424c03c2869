import { estimateCheckMs, parseHash } from '../../../src/auth/password.ts';
import { DEFAULT_PBKDF2_MAX_ITERATIONS } from '../../../src/settings.ts';

/** A description of a stored hash. */
export interface HashFormat {
  /** `bcrypt_sha256`, `bcrypt`, `pbkdf2_sha256`, `scrypt`; `none`; or the name of a format that this service can't read. */
  readonly name: string;
  /** False: no password ever matches it. */
  readonly isUsable: boolean;
  /** Of the format that this service writes, so possibly newer than the dump. */
  readonly isOwn: boolean;
}

/** Django starts the hash of an account without a password with "!" (is_password_usable). */
const UNUSABLE_PREFIX = '!';
/** Stored in place of a hash that can't be imported. */
export const UNUSABLE_HASH = UNUSABLE_PREFIX;

export function hashFormat(encoded: string, pbkdf2MaxIterations = DEFAULT_PBKDF2_MAX_ITERATIONS): HashFormat {
  const parsed = parseHash(encoded);
  if (parsed?.format === 'pbkdf2_sha256') {
    const isUsable = parsed.iterations <= pbkdf2MaxIterations;
    const name = isUsable ? parsed.format : `${parsed.format} (too many iterations)`;
    return { name, isUsable, isOwn: false };
  }
  if (parsed !== null)
    return { name: parsed.format, isUsable: true, isOwn: parsed.format === 'bcrypt_sha256' };
  if (encoded === '' || encoded.startsWith(UNUSABLE_PREFIX))
    return { name: 'none', isUsable: false, isOwn: false };
  // Never shows more of the hash than the algorithm's name.
  const name = /^([a-z][a-z0-9_]{1,30})\$/.exec(encoded)?.[1] ?? 'unknown';
  return {
    name:
      name === 'scrypt'
        ? 'scrypt (too costly or unreadable)'
        : name === 'pbkdf2_sha256' || name.startsWith('bcrypt')
          ? `${name} (unreadable)`
          : name,
    isUsable: false,
    isOwn: false,
  };
}

/** What a sign-in does besides the check, in ms: round trips, and the wait for a CPU slot. */
const AROUND_THE_CHECK_MS = 200;
const REFUSAL_FLOOR_MAX_MS = 2000;

/** How long the slowest of some hashes takes to check, and which REFUSAL_FLOOR_MS hides that. */
export interface RefusalFloor {
  readonly slowestMs: number;
  readonly floorMs: number;
}

/** About how long a hash takes to check, in ms of CPU; 0 if it never matches. */
export function checkMsOf(encoded: string, pbkdf2MaxIterations: number): number {
  const parsed = hashFormat(encoded, pbkdf2MaxIterations).isUsable ? parseHash(encoded) : null;
  return parsed === null ? 0 : estimateCheckMs(parsed);
}

/** Null: none takes longer than ours of cost `bcryptRounds`, so a refusal's time shows nothing. */
export function recommendRefusalFloor(slowestMs: number, bcryptRounds: number): RefusalFloor | null {
  if (slowestMs <= 100 * 2 ** (bcryptRounds - 10)) return null;
  const floorMs = Math.ceil((slowestMs + AROUND_THE_CHECK_MS) / 100) * 100;
  return { slowestMs: Math.round(slowestMs), floorMs: Math.min(floorMs, REFUSAL_FLOOR_MAX_MS) };
}
