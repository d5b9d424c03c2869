import { expect, test } from 'vitest';
import { TokenSet } from '../../../tools/hoskie/token-set.ts';
import { newTokenHash } from '../../fakes/samples.ts';

test('has what was added, in any order and beyond its first size, and nothing else', () => {
  const [added, others] = [1, 2].map(() => Array.from({ length: 5000 }, newTokenHash));
  const tokens = new TokenSet();
  for (const tokenHash of added ?? []) tokens.add(tokenHash);
  tokens.seal();
  expect(added?.filter((tokenHash) => !tokens.has(tokenHash))).toEqual([]);
  expect(others?.filter((tokenHash) => tokens.has(tokenHash))).toEqual([]);
});

test('is empty at first', () => {
  const tokens = new TokenSet();
  tokens.seal();
  expect(tokens.has(newTokenHash())).toBe(false);
});
