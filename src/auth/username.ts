import { hmacSha256 } from '../lib/hash.ts';

/** Begins what is recorded in the place of a name that no user has. */
export const UNKNOWN_NAME_PREFIX = 'unknown:';
/** Enough to tell names apart, in hexadecimal digits. */
const UNKNOWN_NAME_DIGITS = 16;

/**
 * The one form in which spellings of a name are the same: NFKC (UAX #15), as Django stores names, without white space at
 * the ends. Failures are counted under it.
 */
export const normalizeUsername = (username: string): string => username.normalize('NFKC').trim();

/**
 * What is recorded in the place of a name that no user has, as people type passwords into that field: the same for the
 * same name, and of no use without the key.
 */
export const unknownName = (username: string, secretKey: string): string =>
  UNKNOWN_NAME_PREFIX +
  hmacSha256(secretKey, `unknown-name\n${normalizeUsername(username)}`)
    .toString('hex')
    .slice(0, UNKNOWN_NAME_DIGITS);
