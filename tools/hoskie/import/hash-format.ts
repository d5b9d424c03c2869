import { parseHash } from '../../../src/auth/password.ts';
import { DEFAULT_PBKDF2_MAX_ITERATIONS } from '../../../src/settings.ts';

/** What a stored hash is, for people. */
export interface HashFormat {
  /** `bcrypt_sha256`, `bcrypt`, `pbkdf2_sha256`; `none`; or the name of what this service cannot read. */
  readonly name: string;
  /** False: no password ever matches it. */
  readonly isUsable: boolean;
  /** Of the kind that this service writes, so perhaps newer than any dump. */
  readonly isOwn: boolean;
}

/** Django marks passwords that cannot be used with "!" (is_password_usable). */
const UNUSABLE_MARK = '!';
/** What is stored in the place of a hash that cannot come along. */
export const UNUSABLE_HASH = UNUSABLE_MARK;

export function hashFormat(encoded: string, pbkdf2MaxIterations = DEFAULT_PBKDF2_MAX_ITERATIONS): HashFormat {
  const parsed = parseHash(encoded);
  if (parsed?.format === 'pbkdf2_sha256') {
    const isUsable = parsed.iterations <= pbkdf2MaxIterations;
    const name = isUsable ? parsed.format : `${parsed.format} (too many iterations)`;
    return { name, isUsable, isOwn: false };
  }
  if (parsed !== null)
    return { name: parsed.format, isUsable: true, isOwn: parsed.format === 'bcrypt_sha256' };
  if (encoded === '' || encoded.startsWith(UNUSABLE_MARK))
    return { name: 'none', isUsable: false, isOwn: false };
  // Never any more of it than the algorithm's name.
  const name = /^([a-z][a-z0-9_]{1,30})\$/.exec(encoded)?.[1] ?? 'unknown';
  return {
    name: name === 'pbkdf2_sha256' || name.startsWith('bcrypt') ? `${name} (unreadable)` : name,
    isUsable: false,
    isOwn: false,
  };
}
