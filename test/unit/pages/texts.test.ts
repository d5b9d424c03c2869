import { describe, expect, test } from 'vitest';
import type { Reason, Unconfirmed } from '../../../src/errors.ts';
import { describeProblem } from '../../../src/http/problem-texts.ts';
import { LANGUAGES } from '../../../src/pages/language.ts';
import { describeCountry, describeDevice } from '../../../src/pages/device.ts';
import { exactWords } from '../../../src/pages/intl.ts';
import { relativeTime } from '../../../src/pages/time.tsx';

const outage = (unconfirmed?: Unconfirmed): Reason => ({
  code: 'store_unavailable',
  store: 'redis',
  fault: 'timeout',
  ...(unconfirmed === undefined ? {} : { unconfirmed }),
});

/** What pages may say went wrong, in each case. */
const REASONS: readonly Reason[] = [
  { code: 'malformed_body' },
  { code: 'unsupported_media_type', wanted: 'form' },
  { code: 'body_too_large' },
  { code: 'bad_credentials' },
  { code: 'wrong_current_password' },
  { code: 'not_signed_in' },
  { code: 'csrf_failed' },
  { code: 'csrf_failed', noCookie: true },
  { code: 'foreign_origin' },
  { code: 'not_found' },
  { code: 'method_not_allowed', allow: ['GET', 'POST'] },
  { code: 'throttled', retryAfterSeconds: 61 },
  outage(),
  outage('sign_out'),
  outage('new_password'),
  outage('password_change'),
  { code: 'overloaded' },
  { code: 'internal_error' },
];

const [english, ...others] = LANGUAGES;

describe.each(others.map((texts) => [texts.language, texts] as const))('%s', (_, texts) => {
  test.each(REASONS)('has its own words for %j', (reason) => {
    const own = describeProblem(reason, texts.problems);
    const inEnglish = describeProblem(reason);
    expect(own.detail).toMatch(/\.$/);
    expect(own.title).not.toBe(inEnglish.title);
    expect(own.detail).not.toBe(inEnglish.detail);
    expect(own.title + own.detail).not.toMatch(/undefined|null|NaN|object/);
  });

  test('each case of an outage or a refused form differs', () => {
    const details = REASONS.map((reason) => describeProblem(reason, texts.problems).detail);
    expect(new Set(details).size).toBe(details.length);
  });

  test('what is wrong with a field names it as its form does, with the limit', () => {
    const { fieldError, form } = texts;
    const message = 'In English.';
    for (const flaw of ['missing', 'too_long'] as const)
      expect(fieldError({ field: 'username', message, flaw, limit: 150 })).toContain(form.username);
    expect(fieldError({ field: 'next', message })).toContain('next');
    expect(fieldError({ field: 'username', message, flaw: 'too_long', limit: 150 })).toContain('150');
    expect(fieldError({ field: 'new_password', message, flaw: 'too_short', limit: 15 })).toContain('15');
    const errors = [
      { field: 'username', message, flaw: 'missing' },
      { field: 'next', message },
    ] as const;
    const { detail } = describeProblem({ code: 'invalid_fields', errors }, texts.problems);
    expect(detail).toBe(`${fieldError(errors[0])} ${fieldError(errors[1])}`);
  });

  test('times, countries and devices are in that language', () => {
    const atMs = Date.UTC(2026, 4, 1, 17, 5, 9);
    for (const distanceMs of [-3 * 86_400_000, -60_000, 0, 1, 86_400_000]) {
      const time = relativeTime(atMs + distanceMs, atMs, texts);
      expect(time).not.toBe(relativeTime(atMs + distanceMs, atMs, english));
    }
    expect(exactWords(texts.locale, atMs)).toMatch(/^1\D.*2026.*17:05:09.*UTC$/);
    for (const code of ['DE', 'T1', 'XX'])
      expect(describeCountry(code, texts)).not.toBe(describeCountry(code, english));
    expect(describeDevice(null, null, texts)).not.toBe(describeDevice(null, null, english));
  });
});

test('Arabic says after how many minutes to retry, in the right form of the noun', () => {
  const { problems } = LANGUAGES.find(({ language }) => language === 'ar') ?? english;
  const detail = (retryAfterSeconds: number) =>
    describeProblem({ code: 'throttled', retryAfterSeconds }, problems).detail;
  expect(detail(120)).toContain('بعد دقيقتين');
  expect(detail(300)).toContain('بعد 5 دقائق');
  expect(detail(900)).toContain('بعد 15 دقيقة');
});

test.each(LANGUAGES.map((texts) => [texts.language, texts] as const))(
  '%s: no notice about another device can be read as one about this device',
  (_, { sessions }) => {
    for (const notice of Object.values(sessions.notices))
      expect(notice.toLowerCase()).not.toContain(sessions.thisDevice.toLowerCase());
  },
);
