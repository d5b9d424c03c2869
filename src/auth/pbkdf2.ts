const BLOCK_BYTES = 64;
const HASH_BYTES = 32;

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

/**
 * PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2) for one block of output: the 32 bytes in Django's `pbkdf2_sha256$` hashes.
 *
 * In JavaScript, because on Workers both WebCrypto and node:crypto stop at 100,000 iterations, and Django's hashes have
 * up to 1,500,000. Each iteration is two HMAC halves over 32 bytes. The block that the padded key fills is the same
 * each time, so its state is computed once: two compressions an iteration instead of four (RFC 2104 section 4).
 */
export function pbkdf2Sha256(password: string, salt: string, iterations: number): Uint8Array {
  const encoder = new TextEncoder();
  const passwordBytes = encoder.encode(password);
  // RFC 2104 section 2: a key longer than a block is hashed first.
  const key =
    passwordBytes.length > BLOCK_BYTES ? bytesOf(digest(INITIAL_STATE, 0, passwordBytes)) : passwordBytes;
  const inner = stateAfterKey(key, 0x36);
  const outer = stateAfterKey(key, 0x5c);

  // U1 = HMAC(password, salt || INT(1)). The first 8 of `words` hold U, the others its padding and length.
  const message = encoder.encode(`${salt}\0\0\0\u0001`);
  const words = new Int32Array(64);
  words.set(digest(outer, BLOCK_BYTES, bytesOf(digest(inner, BLOCK_BYTES, message))));
  words[8] = 0x80000000 | 0;
  words[15] = (BLOCK_BYTES + HASH_BYTES) * 8;

  const sum = words.slice(0, 8);
  for (let iteration = 1; iteration < iterations; iteration += 1) {
    compress(inner, words, words);
    compress(outer, words, words);
    for (let i = 0; i < 8; i += 1) sum[i]! ^= words[i]!;
  }
  return bytesOf(sum);
}

/** SHA-256's state after one block of the key, padded with zeros and mixed with `pad`. */
function stateAfterKey(key: Uint8Array, pad: number): Int32Array {
  const words = new Int32Array(64);
  for (let i = 0; i < BLOCK_BYTES; i += 1) words[i >> 2]! |= ((key[i] ?? 0) ^ pad) << (24 - 8 * (i & 3));
  const state = new Int32Array(8);
  compress(INITIAL_STATE, words, state);
  return state;
}

/** Hashes the rest of a message, of which `bytesBefore` (whole blocks) are in `state` already. */
function digest(state: Int32Array, bytesBefore: number, message: Uint8Array): Int32Array {
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
  return out;
}

/** The first 8 words, most significant byte first. */
function bytesOf(words: Int32Array): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < HASH_BYTES; i += 1) bytes[i] = words[i >> 2]! >>> (24 - 8 * (i & 3));
  return bytes;
}

/**
 * SHA-256's compression function (FIPS 180-4 section 6.2.2): `state` and the 16 words at the beginning of `words`
 * into the first 8 words of `out`. The rest of `words` is scratch; `out` may be `words`, whose words 8 to 15 stay.
 */
function compress(state: Int32Array, words: Int32Array, out: Int32Array): void {
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
