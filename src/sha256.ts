/**
 * SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104), in JavaScript: for messages of a block or two a call of
 * WebCrypto costs some twenty times what the hash itself does (docs/benchmarks.md), as it answers by a promise; and
 * WebCrypto's PBKDF2 stops at 100,000 iterations on Workers. No branch and no index depends on what is hashed.
 */
const BLOCK_BYTES = 64;
export const SHA256_BYTES = 32;

/** Fractional parts of the roots of the first primes (FIPS 180-4 sections 4.2.2 and 5.3.3). */
const [ROUND_CONSTANTS, INITIAL_STATE] = sha256Constants();

function sha256Constants(): [Int32Array, Int32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0;
  return [
    Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
    Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
  ];
}

/** The 32 bytes of the SHA-256 of a message. */
export const sha256 = (message: Uint8Array): Uint8Array => digest(INITIAL_STATE, 0, message);

/** The states of SHA-256 after the two blocks that a key makes; computed once, they halve the work of each HMAC. */
export interface HmacKey {
  readonly inner: Int32Array;
  readonly outer: Int32Array;
}

/** A key of any length (RFC 2104 section 2: one longer than a block is hashed first). */
export function hmacKey(key: Uint8Array): HmacKey {
  const short = key.length > BLOCK_BYTES ? sha256(key) : key;
  return { inner: stateAfterKey(short, 0x36), outer: stateAfterKey(short, 0x5c) };
}

/** The 32 bytes of HMAC-SHA256. */
export const hmacSha256 = (key: HmacKey, message: Uint8Array): Uint8Array =>
  digest(key.outer, BLOCK_BYTES, digest(key.inner, BLOCK_BYTES, message));

/** SHA-256's state after one block of the key, padded with zeros and mixed with `pad`. */
function stateAfterKey(key: Uint8Array, pad: number): Int32Array {
  const words = new Int32Array(64);
  for (let i = 0; i < BLOCK_BYTES; i += 1) words[i >> 2]! |= ((key[i] ?? 0) ^ pad) << (24 - 8 * (i & 3));
  const state = new Int32Array(8);
  compress(INITIAL_STATE, words, state);
  return state;
}

/** Hashes the rest of a message, of which `bytesBefore` (whole blocks) are in `state` already. */
function digest(state: Int32Array, bytesBefore: number, message: Uint8Array): Uint8Array {
  // A one and the length in 64 bits follow the message, at the end of a block (FIPS 180-4 section 5.1.1).
  const blocks = (message.length + 9 + BLOCK_BYTES - 1) >> 6;
  const words = new Int32Array(64);
  const out = state.slice();
  for (let block = 0; block < blocks; block += 1) {
    words.fill(0, 0, 16);
    const first = block * BLOCK_BYTES;
    const end = Math.min(message.length - first, BLOCK_BYTES);
    for (let i = 0; i < end; i += 1) words[i >> 2]! |= message[first + i]! << (24 - 8 * (i & 3));
    if (end >= 0 && end < BLOCK_BYTES) words[end >> 2]! |= 0x80 << (24 - 8 * (end & 3));
    // Messages here are far below 2^29 bytes, so the length's upper word is 0.
    if (block === blocks - 1) words[15] = 8 * (bytesBefore + message.length);
    compress(out, words, out);
  }
  return bytesOf(out);
}

/** The first 8 words, most significant byte first. */
export function bytesOf(words: Int32Array): Uint8Array {
  const bytes = new Uint8Array(SHA256_BYTES);
  for (let i = 0; i < SHA256_BYTES; i += 1) bytes[i] = words[i >> 2]! >>> (24 - 8 * (i & 3));
  return bytes;
}

/**
 * SHA-256's compression function (FIPS 180-4 section 6.2.2): `state` and the 16 words at the beginning of `words`
 * into the first 8 words of `out`. The rest of `words` is scratch; `out` may be `words`, whose words 8 to 15 stay.
 */
export function compress(state: Int32Array, words: Int32Array, out: Int32Array): void {
  for (let t = 16; t < 64; t += 1) {
    const x = words[t - 15]!;
    const y = words[t - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[t] = (words[t - 16]! + s0 + words[t - 7]! + s1) | 0;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let t = 0; t < 64; t += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[t]! + words[t]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  out[0] = (state[0]! + a) | 0;
  out[1] = (state[1]! + b) | 0;
  out[2] = (state[2]! + c) | 0;
  out[3] = (state[3]! + d) | 0;
  out[4] = (state[4]! + e) | 0;
  out[5] = (state[5]! + f) | 0;
  out[6] = (state[6]! + g) | 0;
  out[7] = (state[7]! + h) | 0;
}
