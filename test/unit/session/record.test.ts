import { describe, expect, test } from 'vitest';
import { LOGOUT_REASONS } from '../../../src/activity/events.ts';
import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import {
  decodeRecord,
  encodeSession,
  encodeTombstone,
  checkRecord,
  RECORD_VERSION,
} from '../../../src/session/record.ts';
import { endsAtMs } from '../../../src/session/rules.ts';
import type { Session, Tombstone } from '../../../src/session/session.ts';
import fc, { anyText } from '../../fakes/property.ts';
import { sampleSession } from '../../fakes/samples.ts';

const T = Date.UTC(2026, 10, 23, 12);
const textOrNull = fc.option(anyText({ minLength: 1 }));
const anyTime = fc.integer({ min: 0, max: 8.64e15 });

/** Its absolute end is a whole number of seconds after its start. */
const anySession: fc.Arbitrary<Session> = fc
  .record({
    id: anyText() as fc.Arbitrary<never>,
    userId: anyText() as fc.Arbitrary<never>,
    username: anyText(),
    kind: fc.constantFrom('cookie', 'bearer'),
    rememberMe: fc.boolean(),
    createdAtMs: anyTime,
    lastSeenAtMs: anyTime,
    ageSeconds: fc.integer({ min: -1, max: 2 ** 32 }),
    idleAgeSeconds: fc.integer({ min: 1 }),
    client: fc.record({ ipAddress: textOrNull, userAgent: textOrNull, country: textOrNull }),
    deviceName: textOrNull,
  })
  .map(({ ageSeconds, ...session }) => ({
    ...session,
    expiresAtMs: session.createdAtMs + ageSeconds * 1000,
  }));

const anyTombstone: fc.Arbitrary<Tombstone> = fc.record({
  sessionId: anyText() as fc.Arbitrary<never>,
  userId: anyText() as fc.Arbitrary<never>,
  reason: fc.constantFrom(...LOGOUT_REASONS, 'renewed', 'abandoned'),
  endedAtMs: anyTime,
  ipAddress: textOrNull,
});

describe('records', () => {
  test('of sessions are read as they were written', () => {
    fc.assert(
      fc.property(anySession, (session) => {
        expect(decodeRecord(encodeSession(session))).toEqual({ session });
      }),
    );
  });

  test('of a session that ends between two seconds end the earlier one', () => {
    fc.assert(
      fc.property(anySession, fc.integer({ min: 1, max: 999 }), (session, ms) => {
        const expiresAtMs = session.expiresAtMs + ms;
        expect(decodeRecord(encodeSession({ ...session, expiresAtMs }))).toEqual({ session });
      }),
    );
  });

  test('of tombstones are read as they were written', () => {
    fc.assert(
      fc.property(anyTombstone, (tombstone) => {
        expect(decodeRecord(encodeTombstone(tombstone))).toEqual({ tombstone });
      }),
    );
  });

  test('hold no null, which the scripts cannot write', () => {
    const client = { ipAddress: null, userAgent: null, country: null };
    expect(encodeSession(sampleSession(T, { client }))).not.toContain('null');
  });

  test('anything else is neither, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.jsonValue()).map((v) => JSON.stringify(v)),
        ),
        (text) => {
          const record = decodeRecord(text);
          if (record !== null) expect(Object.keys(record)[0]).toMatch(/^(?:session|tombstone)$/);
        },
      ),
    );
  });

  const fields = JSON.parse(encodeSession(sampleSession(T))) as unknown[];
  const withField = (at: number, value: unknown): string => JSON.stringify(fields.with(at, value));
  test.each([
    ['garbage', 'garbage'],
    ['an empty text', ''],
    ['an object', '{"0":1}'],
    ['an empty object', '{}'],
    ['null', 'null'],
    ['a text', '"text"'],
    ['an empty array', '[]'],
    ['an array of numbers', '[1,2,3]'],
    ['a much later version', '[9,"another version"]'],
    ['a later version', withField(0, 2)],
    ['a version between two', withField(0, 1.5)],
    ['a version that is text', withField(0, '1')],
    ['an id that is a number', withField(1, 7)],
    ['no user', withField(2, null)],
    ['a name that is a list', withField(3, ['ann'])],
    ['an unknown kind', withField(4, 'x')],
    ['a kind that is missing', JSON.stringify(fields.slice(0, 4))],
    ['a time that is text', withField(6, '1')],
    ['a time that is null', withField(7, null)],
    ['an end that is missing', withField(8, null)],
    ['an idle age that is text', withField(9, '7200')],
    ['a tombstone with an unknown reason', '[0,"a","1","because",5,""]'],
    ['a tombstone without a time', '[0,"a","1","logout"]'],
    ['an empty tombstone', '[0]'],
  ])('%s is no record', (_, text) => {
    expect(decodeRecord(text)).toBeNull();
    expect(checkRecord(text, 'cookie', T)).toEqual({ status: 'invalid', reason: 'unknown' });
  });
});

describe('the written form', () => {
  const session = sampleSession(T, {
    id: '0123456789abcdefghjkmnpqrs' as SessionId,
    userId: '18446744' as UserId,
    username: 'twelve_chars',
    rememberMe: true,
    lastSeenAtMs: T + 250_123,
    expiresAtMs: T + 2_592_000_000,
    idleAgeSeconds: 1_209_600,
    deviceName: 'Pixel',
  });
  const unknownClient = { ipAddress: null, userAgent: null, country: null };

  test('counts times from the start of the session', () => {
    expect(RECORD_VERSION).toBe(1);
    expect(encodeSession(session)).toBe(
      '[1,"0123456789abcdefghjkmnpqrs","18446744","twelve_chars","c",1,1795435200000,250123,2592000,1209600,"203.0.113.7","Mozilla/5.0 (X11; Linux x86_64)","DE","Pixel"]',
    );
  });

  test.each<[string, Partial<Session>, string]>([
    ['a device', { deviceName: null }, '"203.0.113.7","Mozilla/5.0 (X11; Linux x86_64)","DE"]'],
    ['anything about the client', { deviceName: null, client: unknownClient }, '2592000,1209600]'],
    ['all but the device', { client: unknownClient }, '1209600,"","","","Pixel"]'],
    [
      'a country',
      { deviceName: null, client: { ...session.client, country: null } },
      '"203.0.113.7","Mozilla/5.0 (X11; Linux x86_64)"]',
    ],
  ])('without %s leaves out only the empty texts at its end', (_, changes, end) => {
    const text = encodeSession({ ...session, ...changes });
    expect(text.endsWith(`,${end}`), text).toBe(true);
    expect(decodeRecord(text)).toEqual({ session: { ...session, ...changes } });
  });

  test('of a desktop browser fits into the 256 bytes that Redis allocates, even after a month of use', () => {
    const userAgent =
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36';
    const client = { ipAddress: '203.0.113.255', userAgent, country: 'DE' };
    const lastSeenAtMs = session.expiresAtMs - 1;
    expect(encodeSession({ ...session, client, lastSeenAtMs, deviceName: null }).length).toBeLessThan(252);
  });
});

describe('checkRecord', () => {
  const session = sampleSession(T);
  const text = encodeSession(session);
  const invalid = (reason: string) => ({ status: 'invalid', reason });

  test('no record: unknown', () => {
    expect(checkRecord(null, 'cookie', T)).toEqual(invalid('unknown'));
  });

  test('a session is valid up to its last millisecond', () => {
    expect(checkRecord(text, 'cookie', endsAtMs(session) - 1)).toEqual({ status: 'valid', session });
    expect(checkRecord(text, 'cookie', endsAtMs(session))).toEqual(invalid('expired'));
  });

  test('a credential of the other kind opens nothing, and does not learn whether the session expired', () => {
    expect(checkRecord(text, 'bearer', T)).toEqual(invalid('unknown'));
    expect(checkRecord(text, 'bearer', endsAtMs(session))).toEqual(invalid('unknown'));
    const bearer = encodeSession({ ...session, kind: 'bearer' });
    expect(checkRecord(bearer, 'cookie', T)).toEqual(invalid('unknown'));
    expect(checkRecord(bearer, 'bearer', T)).toMatchObject({ status: 'valid' });
    expect(checkRecord(bearer, 'either', T)).toMatchObject({ status: 'valid' });
  });

  test.each([...LOGOUT_REASONS, 'renewed'] as const)(
    'a tombstone with reason %s says how the session ended',
    (reason) => {
      const tombstone: Tombstone = {
        sessionId: session.id,
        userId: session.userId,
        reason,
        endedAtMs: T,
        ipAddress: null,
      };
      const ended = { status: 'invalid', reason: 'ended', tombstone };
      expect(checkRecord(encodeTombstone(tombstone), 'cookie', T)).toEqual(ended);
    },
  );

  test('an abandoned start: unknown, as if it had never begun', () => {
    const tombstone = { sessionId: session.id, userId: session.userId, endedAtMs: T, ipAddress: null };
    const abandoned = encodeTombstone({ ...tombstone, reason: 'abandoned' });
    expect(checkRecord(abandoned, 'cookie', T)).toEqual(invalid('unknown'));
  });
});
