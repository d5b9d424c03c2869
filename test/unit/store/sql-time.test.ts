import { expect, test } from 'vitest';
import { fromSqlTime, toSqlTime } from '../../../src/store/sql-time.ts';
import fc from '../../fakes/property.ts';

test.each([
  [Date.UTC(2026, 10, 23, 19, 33, 45, 123), '2026-11-23 19:33:45.123'],
  [0, '1970-01-01 00:00:00.000'],
  [Date.UTC(2028, 1, 29, 23, 59, 59, 999), '2028-02-29 23:59:59.999'],
])('%i is %s', (atMs, text) => {
  expect(toSqlTime(atMs)).toBe(text);
  expect(fromSqlTime(text)).toBe(atMs);
});

test('keeps the millisecond, whatever the year', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (atMs) => {
      expect(fromSqlTime(toSqlTime(atMs))).toBe(atMs);
    }),
  );
});

test('reads a time without a fraction, and with microseconds', () => {
  expect(fromSqlTime('2026-11-23 19:33:45')).toBe(Date.UTC(2026, 10, 23, 19, 33, 45));
  expect(fromSqlTime('2026-11-23 19:33:45.123456')).toBe(Date.UTC(2026, 10, 23, 19, 33, 45, 123));
});

test.each([
  null,
  undefined,
  '',
  'now',
  '0000-00-00 00:00:00',
  '2026-13-01 00:00:00',
  1_700_000_000,
  new Date(),
])('%j is no time', (value) => {
  expect(fromSqlTime(value)).toBeNull();
});
