import { describe, expect, test } from 'vitest';
import { newSessionId, parseSessionId, uuidV7 } from '../../../src/lib/ids.ts';
import fc from '../../fakes/property.ts';

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

  test('drops fractions of a millisecond', () => {
    expect(uuidV7(T + 0.999).slice(0, 13)).toBe(uuidV7(T).slice(0, 13));
  });

  test('differs each time', () => {
    const ids = Array.from({ length: 10_000 }, () => uuidV7(T));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('session ids', () => {
  test('can be read back, and differ each time', () => {
    const ids = Array.from({ length: 1000 }, newSessionId);
    expect(ids.map(parseSessionId)).toEqual(ids);
    expect(new Set(ids).size).toBe(1000);
  });

  test('use all 32 letters', () => {
    const letters = new Set(Array.from({ length: 200 }, newSessionId).join(''));
    expect([...letters].sort().join('')).toBe('0123456789abcdefghjkmnpqrstvwxyz');
  });

  const id = newSessionId();
  test.each([
    '',
    id.slice(1),
    `${id}0`,
    id.toUpperCase().replace(/\d/g, 'A'),
    `i${id.slice(1)}`,
    `${id}\n`,
    'others',
    null,
    7,
    [id],
  ])('%j is no session id', (value) => {
    expect(parseSessionId(value)).toBeNull();
  });
});
