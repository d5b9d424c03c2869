import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import {
  deviceName,
  fieldErrorsOf,
  newPassword,
  password,
  signInForm,
  username,
} from '../../../src/http/fields.ts';

/** Messages about a value; none if it is accepted. */
function complaints(schema: z.ZodMiniType, value: unknown): string[] {
  const result = z.safeParse(schema, value);
  return result.success ? [] : result.error.issues.map(({ message }) => message);
}

describe('lengths, in characters', () => {
  test.each([
    ['username', username, 150],
    ['password', password, 4096],
    ['new password', newPassword, 256],
    ['device name', deviceName, 100],
  ] as const)('%s: %#', (_, schema, max) => {
    for (const letter of ['x', 'é', '😀', '\0', ' ']) {
      expect(complaints(schema, letter.repeat(max))).toEqual([]);
      expect(complaints(schema, letter.repeat(max + 1))).toEqual([
        expect.stringContaining(`${max} characters`),
      ]);
    }
  });
});

describe('texts', () => {
  test.each([' ann ', 'ANN', 'a\u0308', 'ａｎｎ', '\t', "O'Brien", '\0'])(
    '%j is accepted unchanged',
    (text) => {
      expect(z.parse(username, text)).toBe(text);
      expect(z.parse(password, text)).toBe(text);
    },
  );

  test.each(['\ud800', 'a\udc00b', '\udc00\ud800'])('%j is refused, as it is not well-formed', (text) => {
    expect(complaints(username, text)).toHaveLength(1);
    expect(complaints(password, text)).toHaveLength(1);
  });

  test.each([7, null, true, ['ann'], { a: 1 }])('%j is refused, as it is not text', (value) => {
    expect(complaints(username, value)).toEqual(['The username must be text.']);
  });

  test('empty, missing and wrong values have different messages', () => {
    expect(complaints(username, '')).toEqual(['Enter your username.']);
    expect(complaints(username, undefined)).toEqual(['The username is missing.']);
    expect(complaints(password, '')).toEqual(['Enter your password.']);
  });
});

describe('signInForm', () => {
  const form = { username: 'ann', password: 'secret' };

  test('needs only a username and a password', () => {
    expect(z.parse(signInForm, form)).toEqual({ ...form, remember_me: false, next: '' });
  });

  test.each([
    ['on', true],
    ['1', true],
    ['true', true],
    ['yes', true],
    ['', false],
    ['0', false],
    ['off', false],
    ['OFF', false],
    ['False', false],
    [undefined, false],
  ])('remember_me %j: %j', (value, expected) => {
    expect(z.parse(signInForm, { ...form, remember_me: value }).remember_me).toBe(expected);
  });

  test('next may have 2000 characters', () => {
    expect(z.safeParse(signInForm, { ...form, next: '/'.repeat(2000) }).success).toBe(true);
    expect(z.safeParse(signInForm, { ...form, next: '/'.repeat(2001) }).success).toBe(false);
  });

  test('names each wrong field once, and never its value', () => {
    const bad = { username: 'secret'.repeat(50), password: '', next: ['x'], remember_me: ['on'] };
    const result = z.safeParse(signInForm, bad);
    const errors = fieldErrorsOf(result.error?.issues ?? []);
    expect(errors.map(({ field }) => field)).toEqual(['username', 'password', 'remember_me', 'next']);
    expect(JSON.stringify(errors)).not.toContain('secretsecret');
  });
});

test('fieldErrorsOf keeps the first message of each field; one without a field is about the body', () => {
  const issues = [
    { path: ['a'], message: 'first' },
    { path: ['a'], message: 'second' },
    { path: ['b', 0], message: 'nested' },
    { path: [], message: 'whole' },
    { message: 'whole, too' },
  ];
  expect(fieldErrorsOf(issues)).toEqual([
    { field: 'a', message: 'first' },
    { field: 'b.0', message: 'nested' },
    { field: 'body', message: 'whole' },
  ]);
});
