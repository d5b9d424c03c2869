import { createHash, createHmac, getRandomValues } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hmacKey, hmacSha256, sha256 } from '../../src/sha256.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (length: number): Uint8Array => getRandomValues(new Uint8Array(length));
/** Around each length at which the padding takes another block. */
const LENGTHS = [...Array(200).keys(), 255, 256, 1000, 4096, 65_536];

describe('sha256', () => {
  // FIPS 180-2, appendix B.
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('of the standard’s example %#', (text, expected) => {
    expect(hex(sha256(new TextEncoder().encode(text)))).toBe(expected);
  });

  test('equals the platform’s for messages of every length about a block', () => {
    for (const length of LENGTHS) {
      const message = bytes(length);
      expect(hex(sha256(message)), `${length} bytes`).toBe(
        createHash('sha256').update(message).digest('hex'),
      );
    }
  });

  test('leaves the message as it was, and nothing behind for the next one', () => {
    const message = bytes(100);
    const before = hex(message);
    const first = hex(sha256(message));
    sha256(bytes(300));
    expect(hex(sha256(message))).toBe(first);
    expect(hex(message)).toBe(before);
  });
});

describe('hmacSha256', () => {
  // RFC 4231, sections 4.3 (a key shorter than a block) and 4.7 (one longer than a block).
  test.each([
    [
      'Jefe',
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '\u00aa'.repeat(131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('of the standard’s example %#', (key, message, expected) => {
    expect(hex(hmacSha256(hmacKey(Buffer.from(key, 'latin1')), Buffer.from(message)))).toBe(expected);
  });

  test('equals the platform’s for keys and messages of every length about a block', () => {
    for (const length of LENGTHS) {
      const [key, message] = [bytes(length), bytes(LENGTHS.length - (length % LENGTHS.length))];
      const expected = createHmac('sha256', key).update(message).digest('hex');
      expect(hex(hmacSha256(hmacKey(key), message)), `${length} bytes of key`).toBe(expected);
    }
  });

  test('uses a key again and again', () => {
    const key = bytes(32);
    const prepared = hmacKey(key);
    for (let i = 0; i < 20; i += 1) {
      const message = bytes(i * 7);
      expect(hex(hmacSha256(prepared, message))).toBe(
        createHmac('sha256', key).update(message).digest('hex'),
      );
    }
  });
});
