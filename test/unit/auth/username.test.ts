import { describe, expect, test } from 'vitest';
import { findUsernameFlaw, normalizeUsername } from '../../../src/auth/username.ts';
import fc, { anyText } from '../../fakes/property.ts';

test.each([
  ['ann', 'ann'],
  [' ann\t', 'ann'],
  ['\ufeffann\u3000', 'ann'],
  ['ａｎｎ', 'ann'],
  ['ﬁn', 'fin'],
  ['Zoe\u0308', 'Zo\u00eb'],
  ['Ann', 'Ann'],
  ['', ''],
])('%j is the same name as %j', (typed, normal) => {
  expect(normalizeUsername(typed)).toBe(normal);
});

test('a name in its normal form stays as it is', () => {
  fc.assert(
    fc.property(fc.oneof(anyText(), fc.constantFrom('\u00a8a', 'a\u00b8', '\ufe70')), (text) => {
      const normal = normalizeUsername(text);
      expect(normalizeUsername(normal)).toBe(normal);
    }),
  );
});

describe('findUsernameFlaw', () => {
  test.each([
    'ann',
    'Ann Lee',
    "O'Brien",
    'ann@example.org',
    'Zoe\u0308',
    '李小龙',
    'علی',
    '😀'.repeat(150),
    'Unknown',
  ])('a user may be called %j', (name) => expect(findUsernameFlaw(name)).toBeNull());

  test.each([
    ['', 'empty'],
    ['x'.repeat(151), '150'],
    [' ann', 'white space'],
    ['ann\u00a0', 'white space'],
    ['ann\n', 'white space'],
    ['a\0nn', 'invisible'],
    ['a\u0085nn', 'invisible'],
    ['a\u200bnn', 'invisible'],
    ['a\u200dnn', 'invisible'],
    ['a\u202enn', 'invisible'],
    ['a\u2066nn', 'invisible'],
    ['a\u2028nn', 'invisible'],
    ['a\u00adnn', 'invisible'],
    ['a\u034fnn', 'invisible'],
    ['a\u3164nn', 'invisible'],
    ['a\ufeffnn', 'invisible'],
    ['a\ufe0fnn', 'invisible'],
    ['a\u{e0061}nn', 'invisible'],
    ['a\ud800nn', 'invisible'],
    ['unknown:', 'unknown:'],
    ['unknown:0123456789abcdef', 'unknown:'],
    ['ｕｎｋｎｏｗｎ：ann', 'unknown:'],
  ])('nobody may be called %j', (name, flaw) => {
    expect(findUsernameFlaw(name)).toContain(flaw);
  });
});
