import { describe, expect, test } from 'vitest';
import { isExpiry, LOGOUT_REASONS } from '../../../src/activity/events.ts';
import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import {
  checkStored,
  chooseSession,
  decodeSession,
  decodeTombstone,
  encodeSession,
  encodeTombstone,
  RECORD_VERSION,
  type StoredToken,
} from '../../../src/session/record.ts';
import { endsAtMs } from '../../../src/session/rules.ts';
import type { Credential } from '../../../src/session/session-store.ts';
import type { InvalidCheck, Session, Tombstone, ValidCheck } from '../../../src/session/session.ts';
import fc, { anyText } from '../../fakes/property.ts';
import { newTokenHash, sampleSession } from '../../fakes/samples.ts';

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
  reason: fc.constantFrom(...LOGOUT_REASONS, 'renewed' as const),
  endedAtMs: anyTime,
  ipAddress: textOrNull,
});

describe('records', () => {
  test('of sessions are read as they were written', () => {
    fc.assert(
      fc.property(anySession, (session) => {
        expect(decodeSession(encodeSession(session))).toEqual(session);
      }),
    );
  });

  test('of a session that ends between two seconds end the earlier one', () => {
    fc.assert(
      fc.property(anySession, fc.integer({ min: 1, max: 999 }), (session, ms) => {
        const expiresAtMs = session.expiresAtMs + ms;
        expect(decodeSession(encodeSession({ ...session, expiresAtMs }))).toEqual(session);
      }),
    );
  });

  test('of tombstones are read as they were written', () => {
    fc.assert(
      fc.property(anyTombstone, (tombstone) => {
        expect(decodeTombstone(encodeTombstone(tombstone))).toEqual(tombstone);
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
          expect(decodeSession(text)).toBeNull();
          expect(decodeTombstone(text)).toBeNull();
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
  ])('%s is no record, and as a tombstone it means an end', (_, text) => {
    expect(decodeSession(text)).toBeNull();
    const credential = { tokenHash: newTokenHash(), kind: 'cookie' } as const;
    const unreadable = checkStored({ record: text, tombstone: null }, credential, T);
    expect(unreadable).toEqual({ status: 'invalid', reason: 'unknown' });
    const ended = checkStored({ record: encodeSession(sampleSession(T)), tombstone: text }, credential, T);
    expect(ended).toEqual({ status: 'invalid', reason: 'ended' });
  });

  test.each([
    ['an unknown reason', '[1,"a","1","because",5,""]'],
    ['no time', '[1,"a","1","logout"]'],
    ['nothing else', '[1]'],
    ['a later version', '[2,"a","1","logout",5,""]'],
  ])('a tombstone with %s cannot be read', (_, text) => {
    expect(decodeTombstone(text)).toBeNull();
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
    expect(decodeSession(text)).toEqual({ ...session, ...changes });
  });

  test('of a desktop browser fits into the 256 bytes that Redis allocates, even after a month of use', () => {
    const userAgent =
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36';
    const client = { ipAddress: '203.0.113.255', userAgent, country: 'DE' };
    const lastSeenAtMs = session.expiresAtMs - 1;
    expect(encodeSession({ ...session, client, lastSeenAtMs, deviceName: null }).length).toBeLessThan(252);
  });
});

const isShown = (reason: string): reason is Tombstone['reason'] =>
  !isExpiry(reason) && reason !== 'abandoned';

describe('checkStored', () => {
  const session = sampleSession(T);
  const record = encodeSession(session);
  const tokenHash = newTokenHash();
  const invalid = (reason: string) => ({ status: 'invalid', reason });
  const check = (stored: Partial<StoredToken>, kind: Credential['kind'], nowMs = T) =>
    checkStored({ record: null, tombstone: null, ...stored }, { tokenHash, kind }, nowMs);

  test('no record: unknown', () => {
    expect(check({}, 'cookie')).toEqual(invalid('unknown'));
  });

  test('a session is valid up to its last millisecond', () => {
    const valid = { status: 'valid', session, tokenHash };
    expect(check({ record }, 'cookie', endsAtMs(session) - 1)).toEqual(valid);
    expect(check({ record }, 'cookie', endsAtMs(session))).toEqual(invalid('expired'));
  });

  test('a credential of the other kind opens nothing, and does not learn whether the session expired', () => {
    expect(check({ record }, 'bearer')).toEqual(invalid('unknown'));
    expect(check({ record }, 'bearer', endsAtMs(session))).toEqual(invalid('unknown'));
    const bearer = encodeSession({ ...session, kind: 'bearer' });
    expect(check({ record: bearer }, 'cookie')).toEqual(invalid('unknown'));
    expect(check({ record: bearer }, 'bearer')).toMatchObject({ status: 'valid' });
    expect(check({ record: bearer }, 'either')).toMatchObject({ status: 'valid' });
  });

  test.each([...LOGOUT_REASONS, 'renewed'].filter(isShown))(
    'a tombstone with reason %s says how the session ended, even beside a record',
    (reason) => {
      const tombstone: Tombstone = {
        sessionId: session.id,
        userId: session.userId,
        reason,
        endedAtMs: T,
        ipAddress: null,
      };
      const ended = { status: 'invalid', reason: 'ended', tombstone };
      expect(check({ tombstone: encodeTombstone(tombstone) }, 'cookie')).toEqual(ended);
      expect(check({ record, tombstone: encodeTombstone(tombstone) }, 'cookie')).toEqual(ended);
    },
  );

  test.each(['expired_idle', 'expired_absolute'] as const)('%s: expired, as before the cron', (reason) => {
    const tombstone = { sessionId: session.id, userId: session.userId, endedAtMs: T, ipAddress: null };
    expect(check({ tombstone: encodeTombstone({ ...tombstone, reason }) }, 'cookie')).toEqual(
      invalid('expired'),
    );
  });

  test('an abandoned start: unknown, as if it had never begun', () => {
    const tombstone = { sessionId: session.id, userId: session.userId, endedAtMs: T, ipAddress: null };
    const abandoned = encodeTombstone({ ...tombstone, reason: 'abandoned' });
    expect(check({ tombstone: abandoned }, 'cookie')).toEqual(invalid('unknown'));
  });
});

describe('chooseSession', () => {
  const valid = (changes: Partial<Session> = {}): ValidCheck => ({
    status: 'valid',
    session: sampleSession(T, { userId: '1' as UserId, ...changes }),
    tokenHash: newTokenHash(),
  });
  const unknown: InvalidCheck = { status: 'invalid', reason: 'unknown' };
  const ended: InvalidCheck = { status: 'invalid', reason: 'ended' };

  test('exactly one that is open counts, wherever it stands', () => {
    const open = valid();
    for (const checks of [[open], [open, ended], [unknown, ended, open]])
      expect(chooseSession(checks)).toBe(open);
  });

  test('of several of one user the newest counts, in whatever order they come', () => {
    const [old, newest] = [valid(), valid({ createdAtMs: T + 1 })];
    expect(chooseSession([old, newest])).toBe(newest);
    expect(chooseSession([newest, old, ended])).toBe(newest);
  });

  test('of two users none counts', () => {
    const checks = [valid(), valid({ userId: '2' as UserId, createdAtMs: T + 1 })];
    expect(chooseSession(checks)).toEqual({ ...unknown, usersInConflict: ['2', '1'] });
  });

  test('of none that is open, the one that says most is reported', () => {
    expect(chooseSession([])).toEqual(unknown);
    expect(chooseSession([unknown, unknown])).toEqual(unknown);
    expect(chooseSession([unknown, ended])).toBe(ended);
  });
});
