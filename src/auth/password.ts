import bcrypt from 'bcryptjs';
import { base64, equalInConstantTime, sha256 } from '../lib/hash.ts';
import { DEFAULT_PBKDF2_MAX_ITERATIONS } from '../settings.ts';
import { pbkdf2Sha256 } from './pbkdf2.ts';

/**
 * Costs that a stored hash may have. 14 takes 1.6 s of CPU. One more would leave a response too little of its 5 s, and a
 * hash of cost 31 would stop the service.
 */
const MIN_BCRYPT_COST = 4;
const MAX_BCRYPT_COST = 14;

/** Modular crypt format of bcrypt: version, cost, 22 characters of salt, 31 of hash. */
const BCRYPT_PATTERN = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Django's BCryptSHA256PasswordHasher: no 72-byte limit, no trouble with NUL. What this service writes. */
const BCRYPT_SHA256_PREFIX = 'bcrypt_sha256$';
/** Django's BCryptPasswordHasher. */
const BCRYPT_PREFIX = 'bcrypt$';

/** Django's PBKDF2PasswordHasher: iterations, salt (Django makes no `$` in it), 32 bytes in base64. */
const PBKDF2_PATTERN = /^pbkdf2_sha256\$([1-9]\d{0,9})\$([^$]+)\$([A-Za-z0-9+/]{43}=)$/;

/** What a stored hash says of itself. */
export type ParsedHash =
  | { readonly format: 'bcrypt_sha256' | 'bcrypt'; readonly bcryptHash: string; readonly cost: number }
  | {
      readonly format: 'pbkdf2_sha256';
      readonly iterations: number;
      readonly salt: string;
      readonly hash: string;
    };

/** Null: a format that this service doesn't know; such a hash never matches. */
export function parseHash(encoded: string): ParsedHash | null {
  const [, iterations, salt = '', hash = ''] = PBKDF2_PATTERN.exec(encoded) ?? [];
  if (iterations !== undefined)
    return { format: 'pbkdf2_sha256', iterations: Number(iterations), salt, hash };
  const format = encoded.startsWith(BCRYPT_SHA256_PREFIX) ? 'bcrypt_sha256' : 'bcrypt';
  const bcryptHash = encoded.startsWith(BCRYPT_SHA256_PREFIX)
    ? encoded.slice(BCRYPT_SHA256_PREFIX.length)
    : encoded.startsWith(BCRYPT_PREFIX)
      ? encoded.slice(BCRYPT_PREFIX.length)
      : encoded;
  const cost = Number(BCRYPT_PATTERN.exec(bcryptHash)?.[1]);
  if (!(cost >= MIN_BCRYPT_COST && cost <= MAX_BCRYPT_COST)) return null;
  return { format, bcryptHash, cost };
}

/** A well-formed hash that no known password has, to compare with when there is no other. */
const dummyHash = (rounds: number): string =>
  `$2b$${String(rounds).padStart(2, '0')}$${'NobodyHasThisPasswordu'}${'NorWillAnybodyEverKnowOne123456'}`;

/** Lower-case hex of the SHA-256 of the UTF-8 text: what Django passes to bcrypt. */
const sha256Hex = (text: string): string => sha256(text).toString('hex');

/**
 * Whether the password matches the hash. `encoded` null (no such user) and a hash that can't be read never match, and
 * cost one bcrypt of `rounds` like any other, so the time reveals nothing. A Django PBKDF2 hash takes its own time (0.5
 * to 0.8 s a million iterations) until it is rewritten at the first sign-in; with more than `pbkdf2MaxIterations` it
 * never matches.
 */
export async function verifyPassword(
  password: string,
  encoded: string | null,
  rounds: number,
  pbkdf2MaxIterations = DEFAULT_PBKDF2_MAX_ITERATIONS,
): Promise<boolean> {
  const parsed = encoded === null ? null : parseHash(encoded);
  const isTooCostly = parsed?.format === 'pbkdf2_sha256' && parsed.iterations > pbkdf2MaxIterations;
  if (parsed === null || isTooCostly) {
    await bcrypt.compare(sha256Hex(password), dummyHash(rounds));
    return false;
  }
  if (parsed.format === 'pbkdf2_sha256') {
    const derived = pbkdf2Sha256(password, parsed.salt, parsed.iterations);
    return equalInConstantTime(base64(derived), parsed.hash);
  }
  if (parsed.format === 'bcrypt_sha256') return bcrypt.compare(sha256Hex(password), parsed.bcryptHash);
  const matches = await bcrypt.compare(password, parsed.bcryptHash);
  // Other implementations of bcrypt stop at a NUL. Ours doesn't, and no such hash was ever made here.
  return matches && !password.includes('\0');
}

/**
 * A new hash, in the `bcrypt_sha256` format, under a new salt of that cost (log2 of the number of iterations) or under one
 * of `newSalt`.
 */
export async function hashPassword(password: string, salt: number | string): Promise<string> {
  return BCRYPT_SHA256_PREFIX + (await bcrypt.hash(sha256Hex(password), salt));
}

/** A new salt with bcrypt's version and cost, as a hash holds it. */
export const newSalt = (rounds: number): string => bcrypt.genSaltSync(rounds);

/** Whether `hashPassword` made the hash with this salt. */
export const hasSalt = (encoded: string, salt: string): boolean =>
  encoded.startsWith(BCRYPT_SHA256_PREFIX + salt);

/** Whether a hash that just matched should be rewritten: another format, or another cost than today's. */
export function needsRehash(encoded: string, rounds: number): boolean {
  const parsed = parseHash(encoded);
  return parsed?.format !== 'bcrypt_sha256' || parsed.cost !== rounds;
}
