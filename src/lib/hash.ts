import { Buffer } from 'node:buffer';
import { createHmac, hash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

// node:crypto is part of Workers, see wrangler.toml.

export { randomBytes };

/** The 32 bytes of the SHA-256 of a text in UTF-8. */
export const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer');

/** The 32 bytes of HMAC-SHA256 (RFC 2104) over a text in UTF-8. */
export const hmacSha256 = (key: string, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** Costs of scrypt: memory and time, block size, parallelism (RFC 7914 section 2). */
export interface ScryptCosts {
  /** A power of two above 1. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** scrypt (RFC 7914) over texts in UTF-8. Takes 128 bytes of memory times n and r, and CPU in proportion to n, r and p. */
export const scrypt = (password: string, salt: string, { n, r, p }: ScryptCosts, bytes: number): Buffer =>
  scryptSync(password, salt, bytes, { N: n, r, p, maxmem: 128 * r * (n + p + 4) });

/** HMAC-SHA256 cut to 128 bits (RFC 2104 section 5 allows down to half), 22 characters of base64url. */
export const shortMac = (key: string, text: string): string =>
  base64Url(hmacSha256(key, text).subarray(0, 16));

/** base64url without padding (RFC 4648 section 5). */
export const base64Url = (bytes: Uint8Array | ArrayBuffer): string =>
  Buffer.from(bytes as Uint8Array).toString('base64url');

/** base64 with padding (RFC 4648 section 4). */
export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Compares two texts in constant time, whatever they hold. Their lengths are no secret. */
export function equalInConstantTime(a: string, b: string): boolean {
  const [bytesOfA, bytesOfB] = [Buffer.from(a), Buffer.from(b)];
  return bytesOfA.length === bytesOfB.length && timingSafeEqual(bytesOfA, bytesOfB);
}
