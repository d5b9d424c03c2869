import { describe, expect, test } from 'vitest';
import { base64Url, equalInConstantTime, hmacSha256, randomBytes, sha256 } from '../../../src/lib/hash.ts';
import fc from '../../fakes/property.ts';

// FIPS 180-2, appendix B.
test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
])('sha256 of %j', (text, expected) => {
  expect(sha256(text).toString('hex')).toBe(expected);
});

test('sha256 hashes the UTF-8 of a text', () => {
  expect(sha256('é').toString('hex')).toBe(
    '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c',
  );
});

// RFC 4231, section 4.3.
test('hmacSha256', () => {
  expect(hmacSha256('Jefe', 'what do ya want for nothing?').toString('hex')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

describe('base64Url', () => {
  // RFC 4648 section 10, without padding, and the two letters of the URL alphabet.
  test.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['\u00fb\u00ef\u00ff', '--__'],
  ])('of %j', (text, expected) => {
    expect(base64Url(Buffer.from(text, 'latin1'))).toBe(expected);
  });

  test('agrees with the platform', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(base64Url(Buffer.from(bytes))).toBe(Buffer.from(bytes).toString('base64url'));
      }),
    );
  });
});

describe('equalInConstantTime', () => {
  test.each([
    ['', '', true],
    ['abc', 'abc', true],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['é', 'e', false],
    ['\ud800', '\ud800', true],
  ])('%j and %j: %j', (a, b, expected) => {
    expect(equalInConstantTime(a, b)).toBe(expected);
  });
});

test('randomBytes gives the number asked for, different each time', () => {
  expect(randomBytes(32)).toHaveLength(32);
  expect(randomBytes(32)).not.toEqual(randomBytes(32));
});
