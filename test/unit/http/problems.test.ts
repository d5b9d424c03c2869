import { describe, expect, test } from 'vitest';
import type { Reason } from '../../../src/errors.ts';
import { problemOf, RETRY_AFTER_OUTAGE_SECONDS } from '../../../src/http/problems.ts';

const REASONS: { [Code in Reason['code']]: [Extract<Reason, { code: Code }>, number] } = {
  invalid_fields: [
    { code: 'invalid_fields', errors: [{ field: 'username', message: 'Enter your username.' }] },
    400,
  ],
  malformed_body: [{ code: 'malformed_body' }, 400],
  unsupported_media_type: [{ code: 'unsupported_media_type', wanted: 'form' }, 415],
  body_too_large: [{ code: 'body_too_large' }, 413],
  bad_credentials: [{ code: 'bad_credentials' }, 401],
  wrong_current_password: [{ code: 'wrong_current_password' }, 401],
  not_signed_in: [{ code: 'not_signed_in' }, 401],
  csrf_failed: [{ code: 'csrf_failed' }, 403],
  foreign_origin: [{ code: 'foreign_origin' }, 403],
  original_url_missing: [{ code: 'original_url_missing' }, 400],
  unknown_host: [{ code: 'unknown_host' }, 403],
  not_found: [{ code: 'not_found' }, 404],
  method_not_allowed: [{ code: 'method_not_allowed', allow: ['GET', 'POST'] }, 405],
  throttled: [{ code: 'throttled', retryAfterSeconds: 61 }, 429],
  store_unavailable: [{ code: 'store_unavailable', store: 'redis', fault: 'timeout' }, 503],
  overloaded: [{ code: 'overloaded' }, 503],
  internal_error: [{ code: 'internal_error' }, 500],
};
const rows = Object.values(REASONS).map(([reason, status]) => ({ code: reason.code, reason, status }));

describe('problemOf', () => {
  test.each(rows)('$code is a $status with a title and a detail', ({ reason, status }) => {
    const problem = problemOf(reason);
    expect(problem.status).toBe(status);
    expect(problem.title).toMatch(/^[A-Z].+[^.]$/);
    expect(problem.detail).toMatch(/^[A-Z].+\.$/);
    for (const value of Object.values(problem.headers)) expect(value).toMatch(/^[ -~]+$/);
  });

  test.each(rows.filter(({ status }) => status === 401))('$code asks for a bearer token', ({ reason }) => {
    expect(problemOf(reason).headers).toEqual({ 'WWW-Authenticate': 'Bearer realm="Cloud Hoskie"' });
  });

  test('names the allowed methods', () => {
    expect(problemOf(REASONS.method_not_allowed[0])).toMatchObject({ headers: { Allow: 'GET, POST' } });
  });

  test.each([
    [1, 'a minute'],
    [60, 'a minute'],
    [61, '2 minutes'],
    [900, '15 minutes'],
    [3600, '60 minutes'],
  ])('says to retry in %i s: %s', (retryAfterSeconds, words) => {
    const { detail, headers } = problemOf({ code: 'throttled', retryAfterSeconds });
    expect(headers).toEqual({ 'Retry-After': String(retryAfterSeconds) });
    expect(detail).toContain(words);
  });

  test('an outage says when to retry, and not which store is unavailable', () => {
    const [redis, database] = (['redis', 'database'] as const).map((store) =>
      problemOf({ code: 'store_unavailable', store, fault: 'timeout' }),
    );
    expect(redis).toEqual(database);
    expect(redis?.headers).toEqual({ 'Retry-After': String(RETRY_AFTER_OUTAGE_SECONDS) });
    expect(JSON.stringify(redis)).not.toMatch(/redis|database|mysql|upstash/i);
  });

  test('an unconfirmed sign-out says plainly that the session may still be open', () => {
    const reason = {
      code: 'store_unavailable',
      store: 'redis',
      fault: 'timeout',
      unconfirmed: 'sign_out',
    } as const;
    expect(problemOf(reason).detail).toMatch(/session may still be open/);
    const change = { ...reason, unconfirmed: 'password_change' } as const;
    expect(problemOf(change).detail).toMatch(/password is changed/);
  });

  test('a wrong field has its own message', () => {
    expect(problemOf(REASONS.invalid_fields[0]).detail).toBe('Enter your username.');
  });
});
