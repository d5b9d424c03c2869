import { describe, expect, test } from 'vitest';
import { decodeFrontCoding, findPasswordFlaw } from '../../../src/auth/password-rules.ts';

const flawOf = (password: string, username = 'ann-marie', minLength = 8): string | null =>
  findPasswordFlaw({ password, username, minLength })?.message ?? null;

test.each(['correct horse battery', 'x7#kQp2!', 'zzzzyyyyxxxxwwww', '李小龙李小龙李小', 'ann-marie-2026'])(
  '%j is accepted: there are no rules of composition',
  (password) => {
    expect(flawOf(password)).toBeNull();
  },
);

test('the length is counted in characters, an emoji being one', () => {
  expect(flawOf('😀🎉🚀🌍🔥🍕🎸')).toMatch(/8 characters/);
  expect(flawOf('😀🎉🚀🌍🔥🍕🎸🦊')).toBeNull();
  expect(flawOf('xk29fjq4mz7w1p', 'ann', 15)).toMatch(/15 characters/);
  expect(flawOf('xk29fjq4mz7w1pv', 'ann', 15)).toBeNull();
});

test.each(['ann-marie', 'ANN-MARIE', 'Ann-Marie'])('%j is the username', (password) => {
  expect(flawOf(password)).toMatch(/username/);
});

test.each(['password', 'Password', '12345678', 'qwertyuiop', 'PASSWORD'])('%j is too common', (password) => {
  expect(flawOf(password)).toMatch(/common/);
});

test('the message never repeats the password', () => {
  for (const password of ['short', 'password', 'ann-marie']) {
    const flaw = flawOf(password) ?? '';
    if (password !== 'password') expect(flaw).not.toContain(password);
  }
});

describe('the coded list', () => {
  test('is decoded to its words', () => {
    expect([...decodeFrontCoding('AappleEyFtAbanana')]).toEqual(['apple', 'apply', 'applyt', 'banana']);
  });

  test('is empty if its text is', () => expect(decodeFrontCoding('').size).toBe(0));
});
