import bcrypt from 'bcryptjs';

/**
 * Costs that can stand in a stored hash. 14 takes 1.6 s of CPU; one more would not leave an answer its 5 s, and
 * a hash of cost 31 would be a way to stop the service.
 */
const MIN_BCRYPT_COST = 4;
const MAX_BCRYPT_COST = 14;

/** Modular crypt format of bcrypt: version, cost, 22 characters of salt, 31 of hash. */
const BCRYPT_PATTERN = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Django's BCryptSHA256PasswordHasher: no 72-byte limit, no trouble with NUL. What this service writes. */
const BCRYPT_SHA256_PREFIX = 'bcrypt_sha256$';
/** Django's BCryptPasswordHasher. */
const BCRYPT_PREFIX = 'bcrypt$';

interface ParsedHash {
  readonly format: 'bcrypt_sha256' | 'bcrypt';
  readonly bcryptHash: string;
  readonly cost: number;
}

/** Null: a format that this service does not know; such a hash never matches. */
function parseHash(encoded: string): ParsedHash | null {
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

/** A well-formed hash that no password is known for, to be compared with where there is none to compare with. */
const dummyHash = (rounds: number): string =>
  `$2b$${String(rounds).padStart(2, '0')}$${'NobodyHasThisPasswordu'}${'NorWillAnybodyEverKnowOne123456'}`;

/** Lower-case hex of the SHA-256 of the UTF-8 text: what Django feeds to bcrypt. */
async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Whether the password is the one of this hash. `encoded` null (nobody has that name) and a hash that cannot be
 * read cost one bcrypt of `rounds` like any other and are never right, so that the time tells nothing.
 */
export async function verifyPassword(
  password: string,
  encoded: string | null,
  rounds: number,
): Promise<boolean> {
  const parsed = encoded === null ? null : parseHash(encoded);
  if (parsed === null) {
    await bcrypt.compare(await sha256Hex(password), dummyHash(rounds));
    return false;
  }
  if (parsed.format === 'bcrypt_sha256') return bcrypt.compare(await sha256Hex(password), parsed.bcryptHash);
  const matches = await bcrypt.compare(password, parsed.bcryptHash);
  // Other implementations of bcrypt stop at a NUL; ours does not, and no such hash was ever made here.
  return matches && !password.includes('\0');
}

/** A new hash, in the `bcrypt_sha256` format. `rounds` is the cost, log2 of the number of iterations. */
export async function hashPassword(password: string, rounds: number): Promise<string> {
  return BCRYPT_SHA256_PREFIX + (await bcrypt.hash(await sha256Hex(password), rounds));
}

/** Whether a hash that just matched should be written anew: another format, or another cost than today's. */
export function needsRehash(encoded: string, rounds: number): boolean {
  const parsed = parseHash(encoded);
  return parsed?.format !== 'bcrypt_sha256' || parsed.cost !== rounds;
}
