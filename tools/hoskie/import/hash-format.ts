import { DEFAULT_PBKDF2_MAX_ITERATIONS } from '../../../src/user/pbkdf2.ts';

/** What a stored hash is. The formats are those of src/user/password.ts. */
export interface HashFormat {
  /** `bcrypt_sha256`, `bcrypt`, `pbkdf2_sha256`; `none`; or the name of what this service cannot read. */
  readonly name: string;
  /** False: no password ever matches it. */
  readonly isUsable: boolean;
  /** Of the kind that this service writes, so perhaps newer than any dump. */
  readonly isOwn: boolean;
}

// bcrypt of cost 4 to 14 behind one of Django's two names or bare.
const BCRYPT_PATTERN = /^(?:(bcrypt_sha256|bcrypt)\$)?\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/;
const PBKDF2_PATTERN = /^pbkdf2_sha256\$([1-9]\d{0,9})\$[^$]+\$[A-Za-z0-9+/]{43}=$/;

/** Django marks passwords that cannot be used with "!" (is_password_usable). */
const UNUSABLE_MARK = '!';
/** What is stored in the place of a hash that cannot come along. */
export const UNUSABLE_HASH = UNUSABLE_MARK;

export function hashFormat(encoded: string, pbkdf2MaxIterations = DEFAULT_PBKDF2_MAX_ITERATIONS): HashFormat {
  const bcrypt = BCRYPT_PATTERN.exec(encoded);
  if (bcrypt !== null) {
    const name = bcrypt[1] ?? 'bcrypt';
    return { name, isUsable: true, isOwn: name === 'bcrypt_sha256' };
  }
  const iterations = PBKDF2_PATTERN.exec(encoded)?.[1];
  if (iterations !== undefined) {
    const isUsable = Number(iterations) <= pbkdf2MaxIterations;
    return {
      name: isUsable ? 'pbkdf2_sha256' : 'pbkdf2_sha256 (too many iterations)',
      isUsable,
      isOwn: false,
    };
  }
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
