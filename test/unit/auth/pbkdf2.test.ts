import { pbkdf2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import { pbkdf2Sha256 } from '../../../src/auth/pbkdf2.ts';
import fc, { anyText } from '../../fakes/property.ts';

const platform = (password: string, salt: string, iterations: number): string =>
  pbkdf2Sync(password, salt, iterations, 32, 'sha256').toString('hex');
const ours = async (password: string, salt: string, iterations: number): Promise<string> =>
  Buffer.from(pbkdf2Sha256(password, salt, iterations)).toString('hex');

test('agrees with the platform', async () => {
  const text = anyText({ maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(text, text, fc.integer({ min: 1, max: 40 }), async (password, salt, iterations) => {
      expect(await ours(password, salt, iterations)).toBe(platform(password, salt, iterations));
    }),
  );
});

// Around the block size, above which the key is hashed first, and around the size of the padding.
test.each([0, 1, 31, 32, 54, 55, 56, 63, 64, 65, 127, 128, 4096])(
  'a password of %i bytes',
  async (length) => {
    const password = 'p'.repeat(length);
    for (const salt of ['s', 's'.repeat(length + 1)])
      expect(await ours(password, salt, 3)).toBe(platform(password, salt, 3));
  },
);

test('as many iterations as Django once used', async () => {
  expect(await ours('password', 'seasalt', 100_000)).toBe(platform('password', 'seasalt', 100_000));
});
