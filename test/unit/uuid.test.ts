import fc from '../fakes/property.ts';
import { describe, expect, test } from 'vitest';
import { uuidAt, uuidSeries, uuidV7 } from '../../src/uuid.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const T = Date.UTC(2026, 10, 23, 12);
const anyTime = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe('uuidV7', () => {
  test('has the form, version and variant of RFC 9562, whatever the time', () => {
    fc.assert(
      fc.property(anyTime, (atMs) => {
        const id = uuidV7(atMs);
        expect(id).toMatch(UUID_V7);
        expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(atMs);
      }),
    );
  });

  test('sorts as the times do, as text', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (a, b) => {
        fc.pre(a !== b);
        expect(uuidV7(a) < uuidV7(b)).toBe(a < b);
      }),
    );
  });

  test('cuts fractions of a millisecond off', () => {
    expect(uuidV7(T + 0.999).slice(0, 13)).toBe(uuidV7(T).slice(0, 13));
  });

  test('is never the same twice', () => {
    const ids = Array.from({ length: 10_000 }, () => uuidV7(T));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a series', () => {
  test('counts up, in order, without an id twice', () => {
    const series = uuidSeries(T);
    const ids = Array.from({ length: 20_000 }, (_, i) => uuidAt(series, i));
    expect(ids.every((id) => UUID_V7.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
  });

  test('has room to count for as long as any script could', () => {
    const last = { ...uuidSeries(T), first: 2 ** 47 - 1 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (i) => {
        expect(uuidAt(last, i)).toMatch(UUID_V7);
        expect(uuidAt(last, i) < uuidAt(last, i + 1)).toBe(true);
      }),
    );
  });

  test('begins below 2^47, so that no carry runs over', () => {
    for (let i = 0; i < 1000; i += 1) expect(uuidSeries(T).first).toBeLessThan(2 ** 47);
  });
});
