import { describe, expect, test } from 'vitest';
import { FullTime, relativeTime } from '../../../src/pages/time.tsx';
import { en } from '../../../src/pages/texts/en.tsx';
import fc from '../../fakes/property.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 19, 33, 45, 123);
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];

describe('relativeTime', () => {
  test.each([
    [0, 'just now'],
    [-1, 'just now'],
    [-MINUTE + 1, 'just now'],
    [-MINUTE, '1 minute ago'],
    [-89 * SECOND, '1 minute ago'],
    [-90 * SECOND, '2 minutes ago'],
    [-59 * MINUTE, '59 minutes ago'],
    [-HOUR, '1 hour ago'],
    [-2 * HOUR, '2 hours ago'],
    [-23 * HOUR, '23 hours ago'],
    [-DAY, '1 day ago'],
    [-400 * DAY, '400 days ago'],
    [1, 'in less than a minute'],
    [MINUTE - 1, 'in less than a minute'],
    [MINUTE, 'in 1 minute'],
    [3 * HOUR, 'in 3 hours'],
    [DAY, 'in 1 day'],
    [30 * DAY, 'in 30 days'],
    // Just after a session of 30 days began, it still ends in 30 days.
    [30 * DAY - SECOND, 'in 30 days'],
    // Rounded up to a whole hour or day.
    [-HOUR + 1, '1 hour ago'],
    [-DAY + 1, '1 day ago'],
    [DAY - SECOND, 'in 1 day'],
  ])('%i ms: %s', (distanceMs, words) => {
    expect(relativeTime(NOW_MS + distanceMs, NOW_MS, en)).toBe(words);
  });

  test('never says 60 minutes or 24 hours', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3 * DAY, max: 3 * DAY }), (distanceMs) => {
        expect(relativeTime(NOW_MS + distanceMs, NOW_MS, en)).not.toMatch(/\b(?:0|60|24) (?:minute|hour)/);
      }),
      { numRuns: 1000 },
    );
  });
});

test('FullTime has the exact time for programs, and in words below the relative one', async () => {
  const element: { toString(): string | Promise<string> } = FullTime({
    atMs: NOW_MS - HOUR,
    nowMs: NOW_MS,
    texts: en,
  });
  const html = await element.toString();
  expect(html).toBe(
    '<time datetime="2026-11-23T18:33:45.123Z">1 hour ago</time><br/>' +
      '<small><time datetime="2026-11-23T18:33:45.123Z">23 Nov 2026, 18:33:45 UTC</time></small>',
  );
});
