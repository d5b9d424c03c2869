import { bytesOf, compress, hmacKey, hmacSha256, SHA256_BYTES } from '../sha256.ts';

/** What `PBKDF2_MAX_ITERATIONS` is by default: a second of CPU, above what any Django has written so far. */
export const DEFAULT_PBKDF2_MAX_ITERATIONS = 2_000_000;

/**
 * PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2) for one block of output, for Django's `pbkdf2_sha256$` hashes.
 *
 * In JavaScript, as WebCrypto on Workers stops at 100,000 iterations and Django hashes have up to 1,500,000.
 * Each iteration hashes two blocks of 32 bytes whose first blocks (the padded key) are always the same: their
 * states are computed once, which leaves two compressions an iteration instead of four (RFC 2104 section 4).
 */
export function pbkdf2Sha256(password: string, salt: string, iterations: number): Uint8Array {
  const encoder = new TextEncoder();
  const key = hmacKey(encoder.encode(password));
  // U1 = HMAC(password, salt || INT(1)).
  const first = new DataView(hmacSha256(key, encoder.encode(`${salt}\0\0\0\u0001`)).buffer);

  // A 32-byte message behind one block of key: padding and length (768 bits) never change.
  const words = new Int32Array(64);
  words[8] = 0x80000000 | 0;
  words[15] = (64 + SHA256_BYTES) * 8;
  const sum = new Int32Array(8);
  for (let i = 0; i < 8; i += 1) {
    words[i] = first.getInt32(4 * i);
    sum[i] = words[i]!;
  }
  for (let iteration = 1; iteration < iterations; iteration += 1) {
    compress(key.inner, words, words);
    compress(key.outer, words, words);
    for (let i = 0; i < 8; i += 1) sum[i]! ^= words[i]!;
  }
  return bytesOf(sum);
}
