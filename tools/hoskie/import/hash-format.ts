import { parseHash } from '../../../src/auth/password.ts';
import { DEFAULT_PBKDF2_MAX_ITERATIONS } from '../../../src/settings.ts';

/** A description of a stored hash. */
export interface HashFormat {
  /** `bcrypt_sha256`, `bcrypt`, `pbkdf2_sha256`; `none`; or the name of a format that this service can't read. */
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
    name: name === 'pbkdf2_sha256' || name.startsWith('bcrypt') ? `${name} (unreadable)` : name,
    isUsable: false,
    isOwn: false,
  };
}
