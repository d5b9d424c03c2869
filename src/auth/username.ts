import { hmacSha256 } from '../lib/hash.ts';
import { characterCount } from '../lib/text.ts';

export const USERNAME_MAX_CHARACTERS = 150;

/** Begins what is recorded in the place of a name that no user has. */
const UNKNOWN_NAME_PREFIX = 'unknown:';
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

// Control (Cc), format (Cf: zero-width and bidirectional ones among them), line and paragraph separators, lone surrogates,
// and what else has no width: UAX #44, Default_Ignorable_Code_Point.
const INVISIBLE_PATTERN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Why no user may have this name, as the end of a sentence; null: one may. The one rule, for all ways to add users. */
export function findUsernameFlaw(username: string): string | null {
  if (username === '') return 'the name is empty';
  if (characterCount(username) > USERNAME_MAX_CHARACTERS)
    return `the name has more than ${USERNAME_MAX_CHARACTERS} characters`;
  if (username.trim() !== username) return 'the name begins or ends with white space';
  if (INVISIBLE_PATTERN.test(username))
    return 'the name has control, zero-width or other invisible characters';
  // Looked up by this form too, so it must not look like a recorded hash either.
  if (normalizeUsername(username).startsWith(UNKNOWN_NAME_PREFIX))
    return `the name begins with "${UNKNOWN_NAME_PREFIX}"`;
  return null;
}
