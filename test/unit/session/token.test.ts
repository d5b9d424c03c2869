import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashToken, newToken, parseToken } from '../../../src/session/token.ts';
import fc, { anyText } from '../../fakes/property.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('tokens', () => {
  test('are 43 characters of base64url, different each time', () => {
    const tokens = Array.from({ length: 1000 }, newToken);
    expect(tokens.every((token) => /^[\w-]{43}$/.test(token))).toBe(true);
    expect(new Set(tokens).size).toBe(1000);
  });

  test('carry 256 random bits: each is sometimes 0, sometimes 1', () => {
    const ones = Array<number>(256).fill(0);
    for (let i = 0; i < 400; i += 1) {
      const bytes = Buffer.from(newToken(), 'base64url');
      for (let bit = 0; bit < 256; bit += 1) ones[bit]! += (bytes[bit >> 3]! >> (bit & 7)) & 1;
    }
    // Of 400 coin tosses, fewer than 100 heads is 10 standard deviations away.
    expect(Math.min(...ones)).toBeGreaterThan(100);
    expect(Math.max(...ones)).toBeLessThan(300);
  });

  test('are read back, whatever their bytes', () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        const token = Buffer.from(bytes).toString('base64url');
        expect(parseToken(token)).toBe(token);
      }),
    );
  });

  test('anything else is no token', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), anyText(), fc.base64String()), (text) => {
        const isToken = text.length === 43 && Buffer.from(text, 'base64url').toString('base64url') === text;
        expect(parseToken(text)).toBe(isToken ? text : null);
      }),
    );
  });

  const token = newToken();
  test.each([
    ['empty', ''],
    ['too short', token.slice(1)],
    ['too long', `${token}A`],
    ['with padding', `${token}=`],
    ['with a space', ` ${token}`],
    ['with a newline', `${token}\n`],
    ['in the other base64', `+/${token.slice(2)}`],
    ['with bits after the last', `${token.slice(0, 42)}B`],
    ['null', null],
    ['undefined', undefined],
    ['a number', 42],
    ['an array', [token]],
    ['an object', { toString: () => token }],
  ])('%s is no token', (_, value) => {
    expect(parseToken(value)).toBeNull();
  });
});

describe('hashToken', () => {
  test('is SHA-256 in base64url', async () => {
    const token = newToken();
    expect(hashToken(token)).toBe(createHash('sha256').update(token).digest('base64url'));
  });
});
