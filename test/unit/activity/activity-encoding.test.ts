import { describe, expect, test } from 'vitest';
import { encodeActivity, parseActivity } from '../../../src/activity/activity-encoding.ts';
import { LOGIN_OUTCOMES, LOGOUT_REASONS, type Activity } from '../../../src/activity/events.ts';
import { toSqlTime } from '../../../src/store/sql-time.ts';
import fc, { anyText } from '../../fakes/property.ts';
import { sampleLogin, sampleLogout } from '../../fakes/samples.ts';

const T = Date.UTC(2026, 10, 23, 12);
const someText = anyText({ minLength: 1 });
const client = fc.record({
  ipAddress: fc.option(someText),
  userAgent: fc.option(someText),
  country: fc.option(someText),
});
const atMs = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });

const anyActivity: fc.Arbitrary<Activity> = fc.oneof(
  fc
    .record({ client, loggedOutAtMs: atMs, username: anyText(), reason: fc.constantFrom(...LOGOUT_REASONS) })
    .map((changes) => sampleLogout(T, changes)),
  fc
    .record({
      client,
      occurredAtMs: atMs,
      username: anyText(),
      outcome: fc.constantFrom(...LOGIN_OUTCOMES),
      userId: fc.option(fc.constant('7' as never)),
      sessionId: fc.option(fc.constant('s' as never)),
    })
    .map((changes) => sampleLogin(T, changes)),
);

test('events are read as they were written', () => {
  fc.assert(
    fc.property(anyActivity, (activity) => {
      expect(parseActivity(encodeActivity(activity))).toEqual(activity);
    }),
  );
});

test('absent texts are empty, not null, as in what the scripts write', () => {
  const unknownClient = { ipAddress: null, userAgent: null, country: null };
  const text = encodeActivity(sampleLogin(T, { userId: null, sessionId: null, client: unknownClient }));
  expect(text).not.toContain('null');
});

test('anything else is no event, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (value) => {
      expect(parseActivity(value)).toBeNull();
    }),
  );
});

describe('not an event', () => {
  const logout = JSON.parse(encodeActivity(sampleLogout(T))) as Record<string, unknown>;
  const login = JSON.parse(encodeActivity(sampleLogin(T))) as Record<string, unknown>;
  test.each([
    ['another type', logout, { type: 'signup' }],
    ['no type', logout, { type: undefined }],
    ['no id', logout, { id: undefined }],
    ['an id that is a number', logout, { id: 7 }],
    ['no name', login, { username: null }],
    ['a log-out without a user', logout, { userId: '' }],
    ['a log-out without a session', logout, { sessionId: '' }],
    ['no version', logout, { v: undefined }],
    ['a later version', logout, { v: 2 }],
    ['a version that is text', login, { v: '1' }],
    ['no reason', logout, { reason: undefined }],
    ['an empty reason', logout, { reason: '' }],
    ['a reason of another form', logout, { reason: 'Because of it' }],
    ['a reason that is longer than its column', logout, { reason: 'x'.repeat(33) }],
    ['an outcome of another form', login, { outcome: 'bad-credentials' }],
    ['an outcome that is a list', login, { outcome: ['success'] }],
    ['a time that is text', logout, { at: '2026-11-23' }],
    ['no time', login, { at: null }],
    // ECMA-262 section 21.4.1.1.
    ['a time beyond what a Date holds', logout, { at: 8.64e15 + 1 }],
    ['a time far before that', login, { at: -1e300 }],
  ])('%s', (_, event, changes) => {
    expect(parseActivity(JSON.stringify(event))).not.toBeNull();
    expect(parseActivity(JSON.stringify({ ...event, ...changes }))).toBeNull();
  });

  test.each(['because', 'x'.repeat(32), '_'])('but a reason or outcome of a later release: %s', (word) => {
    expect(parseActivity(JSON.stringify({ ...logout, reason: word }))).toMatchObject({ reason: word });
    expect(parseActivity(JSON.stringify({ ...login, outcome: word }))).toMatchObject({ outcome: word });
  });

  test('whatever is read has a time that MySQL can store', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (at) => {
        const activity = parseActivity(JSON.stringify({ ...logout, at }));
        if (activity?.type === 'logout') toSqlTime(activity.loggedOutAtMs);
      }),
    );
  });
});
