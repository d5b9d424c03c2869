import { describe, expect, test } from 'vitest';
import {
  endsAtMs,
  isExpired,
  needsRefresh,
  REFRESH_INTERVAL_MAX_SECONDS,
} from '../../../src/session/rules.ts';
import { sampleSession } from '../../fakes/samples.ts';

const T = Date.UTC(2026, 10, 23, 12);
const HOUR_MS = 3_600_000;

describe('endsAtMs', () => {
  test.each([
    { name: 'idle before absolute', idleAgeSeconds: 7200, ageMs: 24 * HOUR_MS, ends: T + 2 * HOUR_MS },
    { name: 'absolute before idle', idleAgeSeconds: 7200, ageMs: HOUR_MS, ends: T + HOUR_MS },
    { name: 'both at once', idleAgeSeconds: 3600, ageMs: HOUR_MS, ends: T + HOUR_MS },
  ])('$name', ({ idleAgeSeconds, ageMs, ends }) => {
    expect(endsAtMs({ lastSeenAtMs: T, expiresAtMs: T + ageMs, idleAgeSeconds })).toBe(ends);
  });

  test('activity moves the idle end, up to the absolute one', () => {
    const session = { expiresAtMs: T + 3 * HOUR_MS, idleAgeSeconds: 7200 };
    const ends = [0, 1, 2].map((hours) => endsAtMs({ ...session, lastSeenAtMs: T + hours * HOUR_MS }));
    expect(ends).toEqual([T + 2 * HOUR_MS, T + 3 * HOUR_MS, T + 3 * HOUR_MS]);
  });
});

describe('isExpired', () => {
  test.each([
    { atMs: T, expired: false },
    { atMs: T + 2 * HOUR_MS - 1, expired: false },
    { atMs: T + 2 * HOUR_MS, expired: true },
    { atMs: T + 2 * HOUR_MS + 1, expired: true },
    // This clock is behind the one that wrote the record.
    { atMs: T - 5000, expired: false },
  ])('at $atMs: $expired', ({ atMs, expired }) => {
    expect(isExpired(sampleSession(T), atMs)).toBe(expired);
  });
});

describe('needsRefresh', () => {
  const interval = REFRESH_INTERVAL_MAX_SECONDS * 1000;

  test.each([
    { idleAgeSeconds: 7200, intervalMs: interval },
    { idleAgeSeconds: 1_209_600, intervalMs: interval },
    { idleAgeSeconds: 2400, intervalMs: interval },
    // A tenth of a short idle age.
    { idleAgeSeconds: 600, intervalMs: 60_000 },
    { idleAgeSeconds: 1, intervalMs: 100 },
  ])('with an idle age of $idleAgeSeconds s: after $intervalMs ms', ({ idleAgeSeconds, intervalMs }) => {
    const session = sampleSession(T, { idleAgeSeconds });
    expect(needsRefresh(session, T)).toBe(false);
    expect(needsRefresh(session, T + intervalMs - 1)).toBe(false);
    expect(needsRefresh(session, T + intervalMs)).toBe(true);
  });

  test('within the 5 minutes that are promised', () => {
    expect(interval).toBeLessThan(300_000);
  });

  test('not if the clock is behind', () => {
    expect(needsRefresh(sampleSession(T), T - HOUR_MS)).toBe(false);
  });
});
