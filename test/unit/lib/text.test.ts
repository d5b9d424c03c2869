import { expect, test } from 'vitest';
import { characterCount } from '../../../src/lib/text.ts';

test.each([
  ['', 0],
  ['a', 1],
  ['😀', 1],
  ['e\u0301', 2],
  ['👩‍👧', 3],
])('%j has %i characters', (text, count) => {
  expect(characterCount(text)).toBe(count);
});
