import { describe, expect, test } from 'vitest';
import { characterCount, visibleName } from '../../../src/lib/text.ts';

test.each([
  ['', 0],
  ['a', 1],
  ['😀', 1],
  ['e\u0301', 2],
  ['👩‍👧', 3],
])('%j has %i characters', (text, count) => {
  expect(characterCount(text)).toBe(count);
});

describe('visibleName', () => {
  test.each([
    ['Ada’s phone 📱', 'Ada’s phone 📱'],
    ['  Ada \u00a0 phone ', 'Ada phone'],
    ['a\u0000b\u001f\u007f\u0085c', 'a b c'],
    ['abc\u202edef\u202c', 'abcdef'],
    ['z\u200be\u200cr\u200do\ufeff', 'zero'],
    ['שלום', 'שלום'],
    ['e\u0301', 'e\u0301'],
    ['one\u2028two', 'one two'],
  ])('%j is shown as %j', (text, shown) => {
    expect(visibleName(text)).toBe(shown);
  });

  test.each(['', ' ', '\u200b', '\u3164\u2800', '\u202e\u2069\r\n'])('%j is no name', (text) => {
    expect(visibleName(text)).toBeNull();
  });
});
