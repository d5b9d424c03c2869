import { Buffer } from 'node:buffer';
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

// The one file that touches node:crypto (part of Workers, see wrangler.toml).

export { randomBytes };

/** The 32 bytes of the SHA-256 of a text in UTF-8. */
export const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer');

/** The 32 bytes of HMAC-SHA256 (RFC 2104) over a text in UTF-8. */
export const hmacSha256 = (key: string, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** base64url without padding (RFC 4648 section 5). */
export const base64Url = (bytes: Buffer): string => bytes.toString('base64url');

/** base64 with padding (RFC 4648 section 4). */
export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Compares two texts in constant time, whatever they hold. Their lengths are no secret. */
export function equalInConstantTime(a: string, b: string): boolean {
  const [bytesOfA, bytesOfB] = [Buffer.from(a), Buffer.from(b)];
  return bytesOfA.length === bytesOfB.length && timingSafeEqual(bytesOfA, bytesOfB);
}
