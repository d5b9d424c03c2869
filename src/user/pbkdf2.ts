/** What `PBKDF2_MAX_ITERATIONS` is by default: a second of CPU, above what any Django has written so far. */
export const DEFAULT_PBKDF2_MAX_ITERATIONS = 2_000_000;

/**
 * PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2) for one block of output, for Django's `pbkdf2_sha256$` hashes.
 *
 * In JavaScript, as WebCrypto on Workers stops at 100,000 iterations and Django hashes have up to 1,500,000.
 * Each iteration hashes two blocks of 32 bytes whose first blocks (the padded key) are always the same: their
 * states are computed once, which leaves two compressions an iteration instead of four (RFC 2104 section 4).
 */
export async function pbkdf2Sha256(password: string, salt: string, iterations: number): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  let key = encoder.encode(password);
  if (key.length > BLOCK_BYTES) key = new Uint8Array(await crypto.subtle.digest('SHA-256', key));
  const innerState = stateAfterKey(key, 0x36);
  const outerState = stateAfterKey(key, 0x5c);

  // U1 = HMAC(password, salt || INT(1)): the salt may have any length, so this one goes through WebCrypto.
  const hmacKey = await crypto.subtle.importKey(
    'raw',
    // An empty key cannot be imported; zeros are what it is padded with anyway (RFC 2104 section 2).
    key.length === 0 ? new Uint8Array(1) : key,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const first = await crypto.subtle.sign('HMAC', hmacKey, encoder.encode(`${salt}\0\0\0\u0001`));
  const view = new DataView(first);

  // A 32-byte message behind one block of key: padding and length (768 bits) never change.
  const words = new Int32Array(64);
  words[8] = 0x80000000 | 0;
  words[15] = (BLOCK_BYTES + HASH_BYTES) * 8;
  const sum = new Int32Array(8);
  for (let i = 0; i < 8; i += 1) {
    words[i] = view.getInt32(4 * i);
    sum[i] = words[i]!;
  }
  for (let iteration = 1; iteration < iterations; iteration += 1) {
    compress(innerState, words, words);
    compress(outerState, words, words);
    for (let i = 0; i < 8; i += 1) sum[i]! ^= words[i]!;
  }
  const output = new DataView(new ArrayBuffer(HASH_BYTES));
  sum.forEach((word, i) => output.setInt32(4 * i, word));
  return new Uint8Array(output.buffer);
}

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

/** SHA-256's state after one block of the key, padded with zeros and mixed with `pad`. */
function stateAfterKey(key: Uint8Array, pad: number): Int32Array {
  const block = new DataView(new ArrayBuffer(BLOCK_BYTES));
  for (let i = 0; i < BLOCK_BYTES; i += 1) block.setUint8(i, (key[i] ?? 0) ^ pad);
  const words = new Int32Array(64);
  for (let i = 0; i < 16; i += 1) words[i] = block.getInt32(4 * i);
  const state = new Int32Array(8);
  compress(INITIAL_STATE, words, state);
  return state;
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
