import { beforeEach, describe, expect, test } from 'vitest';
import { EventRefusedError, type ActivityLog } from '../../src/activity/activity-log.ts';
import {
  LOGIN_OUTCOMES,
  LOGOUT_REASONS,
  type LoginActivity,
  type LogoutActivity,
} from '../../src/activity/events.ts';
import type { UserId } from '../../src/lib/ids.ts';
import { newUserId, SAMPLE_CLIENT, sampleLogin, sampleLogout } from '../fakes/samples.ts';

/** One implementation, with no rows. */
export interface ActivityLogUnderTest {
  readonly log: ActivityLog;
  /** All rows, by id. */
  readonly logouts: () => Promise<LogoutActivity[]>;
  readonly logins: () => Promise<LoginActivity[]>;
  readonly addUser: (username: string, id?: UserId) => Promise<UserId>;
  readonly lastLoginAtMs: (id: UserId) => Promise<number | null>;
  /** Adds a constraint of the operator's own, which forbids events with this username. */
  readonly forbidUsername: (username: string) => Promise<void>;
}

const T = Date.UTC(2026, 10, 23, 19, 33, 45, 123);
const UNKNOWN_CLIENT = { ipAddress: null, userAgent: null, country: null };
const NASTY = `O'Brien "x" \\ % ? ; -- \0\b\n\r\t\u001a\u2028 é 李 😀 (errno 1) (sqlstate 22001)`;

/** What every `ActivityLog` does, in one file, as all its parts look at the same rows. `open` gives each test an empty one. */
export function describeActivityLog(name: string, open: () => Promise<ActivityLogUnderTest>): void {
  let under: ActivityLogUnderTest;

  describe(name, () => {
    beforeEach(async () => {
      under = await open();
    });

    describe('writes', () => {
      test('log-outs with every field, to the millisecond', async () => {
        const events = LOGOUT_REASONS.map((reason, i) => sampleLogout(T + i, { reason }));
        await under.log.writeLogouts(events);
        expect(await under.logouts()).toEqual(events.toSorted(byId));
      });

      test('logins with every field, also without a user', async () => {
        const events = LOGIN_OUTCOMES.map((outcome, i) => sampleLogin(T + i, { outcome }));
        events.push(sampleLogin(T, { userId: null, sessionId: null, outcome: 'bad_credentials' }));
        await under.log.writeLogins(events);
        expect(await under.logins()).toEqual(events.toSorted(byId));
      });

      test.each([
        { what: 'any text', username: NASTY, client: { ...SAMPLE_CLIENT, userAgent: NASTY } },
        { what: 'an empty name', username: '', client: SAMPLE_CLIENT },
        { what: 'trailing spaces', username: 'ann  ', client: { ...SAMPLE_CLIENT, userAgent: ' x ' } },
        { what: 'an unknown client', username: 'ann', client: UNKNOWN_CLIENT },
        {
          what: 'the longest values',
          username: '😀'.repeat(150),
          client: {
            ipAddress: 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255',
            userAgent: '😀'.repeat(512),
            country: 'T1',
          },
        },
      ])('$what unchanged', async ({ username, client }) => {
        const [logout, login] = [
          sampleLogout(T, { username, client }),
          sampleLogin(T, { username, client, outcome: 'inactive' }),
        ];
        await under.log.writeLogouts([logout]);
        await under.log.writeLogins([login]);
        expect(await under.logouts()).toEqual([logout]);
        expect(await under.logins()).toEqual([login]);
      });

      test('a user id beyond 2^53', async () => {
        const event = sampleLogout(T, { userId: '18446744073709551615' as UserId });
        await under.log.writeLogouts([event]);
        expect(await under.logouts()).toEqual([event]);
      });

      test('nothing if there is nothing to write', async () => {
        await under.log.writeLogouts([]);
        await under.log.writeLogins([]);
        expect(await under.logouts()).toEqual([]);
      });

      test('an event twice as one row, whether in one batch or two', async () => {
        const [first, second] = [sampleLogout(T), sampleLogout(T)];
        await under.log.writeLogouts([first, first]);
        await under.log.writeLogouts([first, second]);
        expect(await under.logouts()).toEqual([first, second].toSorted(byId));
        const login = sampleLogin(T);
        await under.log.writeLogins([login, login]);
        await under.log.writeLogins([login]);
        expect(await under.logins()).toEqual([login]);
      });

      test('an event once if fifty write it at the same time', async () => {
        const event = sampleLogout(T);
        await Promise.all(Array.from({ length: 50 }, () => under.log.writeLogouts([event])));
        expect(await under.logouts()).toEqual([event]);
      });

      test('no other event over a row with the same id', async () => {
        const event = sampleLogout(T);
        await under.log.writeLogouts([event]);
        await under.log.writeLogouts([{ ...event, username: 'someone else', reason: 'admin' }]);
        expect(await under.logouts()).toEqual([event]);
      });

      test('a hundred at once', async () => {
        const events = Array.from({ length: 100 }, (_, i) => sampleLogout(T + i));
        await under.log.writeLogouts(events);
        expect(await under.logouts()).toHaveLength(100);
      });
    });

    describe('refuses', () => {
      const refused: { what: string; changes: Partial<LogoutActivity> }[] = [
        { what: 'a name that is too long', changes: { username: 'x'.repeat(151) } },
        {
          what: 'an agent that is too long',
          changes: { client: { ...UNKNOWN_CLIENT, userAgent: 'x'.repeat(513) } },
        },
        {
          what: 'an address that is too long',
          changes: { client: { ...UNKNOWN_CLIENT, ipAddress: '1'.repeat(46) } },
        },
        { what: 'a country that is too long', changes: { client: { ...UNKNOWN_CLIENT, country: 'DEU' } } },
        {
          what: 'letters that the column cannot hold',
          changes: { client: { ...UNKNOWN_CLIENT, country: 'é' } },
        },
        { what: 'an address with such letters', changes: { client: { ...UNKNOWN_CLIENT, ipAddress: '😀' } } },
        { what: 'a session id that is too long', changes: { sessionId: 'x'.repeat(37) as never } },
        { what: 'an id that is too long', changes: { id: 'x'.repeat(37) as never } },
        { what: 'a user id that is no number', changes: { userId: 'ann' as UserId } },
        { what: 'a user id that only begins as a number', changes: { userId: '12ann' as UserId } },
        { what: 'a user id that is empty', changes: { userId: '' as UserId } },
        { what: 'a negative user id', changes: { userId: '-1' as UserId } },
        { what: 'a user id of 65 bits', changes: { userId: '18446744073709551616' as UserId } },
        { what: 'a time after the year 9999', changes: { loggedOutAtMs: 253_402_300_800_000 } },
        { what: 'a time before the year 0', changes: { loggedOutAtMs: -62_167_219_200_001 } },
      ];
      test.each(refused)('$what, for good, with its whole batch', async ({ changes }) => {
        const bad = sampleLogout(T, changes);
        const failure = await failureOf(under.log.writeLogouts([sampleLogout(T), bad, sampleLogout(T)]));
        expect(failure).toBeInstanceOf(EventRefusedError);
        expect(await under.logouts()).toEqual([]);
      });

      test('what the operator forbids with a CHECK', async () => {
        await under.forbidUsername('mallory');
        const bad = sampleLogout(T, { username: 'mallory' });
        await expect(under.log.writeLogouts([sampleLogout(T), bad])).rejects.toThrow(EventRefusedError);
        await under.log.writeLogouts([sampleLogout(T)]);
        expect(await under.logouts()).toHaveLength(1);
      });

      test('such logins, too', async () => {
        const bad = sampleLogin(T, { username: 'x'.repeat(151) });
        await expect(under.log.writeLogins([sampleLogin(T), bad])).rejects.toThrow(EventRefusedError);
        expect(await under.logins()).toEqual([]);
      });

      test('without saying anything about the event', async () => {
        const username = `secret ${'x'.repeat(151)}`;
        const failure = await failureOf(under.log.writeLogouts([sampleLogout(T, { username })]));
        expect(String((failure as Error).stack)).not.toContain('secret');
      });
    });

    describe('last_login_at', () => {
      test('is the time of a success, and only ever moves forward', async () => {
        const [ann, bob] = [await under.addUser('ann'), await under.addUser('bob')];
        expect(await under.lastLoginAtMs(ann)).toBeNull();
        await under.log.writeLogins([sampleLogin(T, { userId: ann })]);
        expect(await under.lastLoginAtMs(ann)).toBe(T);
        await under.log.writeLogins([sampleLogin(T - 1, { userId: ann })]);
        expect(await under.lastLoginAtMs(ann)).toBe(T);
        await under.log.writeLogins([3, 2, 1].map((ms) => sampleLogin(T + ms, { userId: ann })));
        expect(await under.lastLoginAtMs(ann)).toBe(T + 3);
        expect(await under.lastLoginAtMs(bob)).toBeNull();
      });

      test('is set for several users in one batch', async () => {
        const [ann, bob] = [await under.addUser('ann'), await under.addUser('bob')];
        await under.log.writeLogins([
          sampleLogin(T + 5, { userId: ann }),
          sampleLogin(T + 1, { userId: bob }),
          sampleLogin(T + 3, { userId: ann }),
        ]);
        expect(await under.lastLoginAtMs(ann)).toBe(T + 5);
        expect(await under.lastLoginAtMs(bob)).toBe(T + 1);
      });

      test('is set for the right user if two ids differ only beyond 2^53', async () => {
        const ann = await under.addUser('ann', '9007199254740993' as UserId);
        const bob = await under.addUser('bob', '9007199254740992' as UserId);
        await under.log.writeLogins([sampleLogin(T, { userId: ann })]);
        expect(await under.lastLoginAtMs(ann)).toBe(T);
        expect(await under.lastLoginAtMs(bob)).toBeNull();
      });

      test('does not move with a failure', async () => {
        const ann = await under.addUser('ann');
        const failures = LOGIN_OUTCOMES.filter((outcome) => outcome !== 'success');
        await under.log.writeLogins(failures.map((outcome) => sampleLogin(T, { userId: ann, outcome })));
        expect(await under.lastLoginAtMs(ann)).toBeNull();
      });

      test('of a deleted user delays nothing', async () => {
        await under.log.writeLogins([sampleLogin(T, { userId: newUserId() })]);
        expect(await under.logins()).toHaveLength(1);
      });
    });

    describe('deleteBefore', () => {
      test('deletes older rows of both kinds, to the millisecond', async () => {
        const logouts = [T - 1, T, T + 1].map((at) => sampleLogout(at));
        const logins = [T - 1, T, T + 1].map((at) => sampleLogin(at));
        await under.log.writeLogouts(logouts);
        await under.log.writeLogins(logins);
        expect(await under.log.deleteBefore(T, 10)).toBe(2);
        expect(await under.logouts()).toEqual(logouts.slice(1).toSorted(byId));
        expect(await under.logins()).toEqual(logins.slice(1).toSorted(byId));
        expect(await under.log.deleteBefore(T, 10)).toBe(0);
      });

      test('deletes at most the limit of each kind, the oldest first', async () => {
        const logouts = [5, 1, 4, 2, 3].map((ms) => sampleLogout(T - 10 + ms));
        const logins = [2, 1, 3].map((ms) => sampleLogin(T - 10 + ms));
        await under.log.writeLogouts(logouts);
        await under.log.writeLogins(logins);
        expect(await under.log.deleteBefore(T, 2)).toBe(4);
        const left = (await under.logouts()).map(({ loggedOutAtMs }) => loggedOutAtMs - T + 10);
        expect(left.sort()).toEqual([3, 4, 5]);
        expect(await under.log.deleteBefore(T, 2)).toBe(3);
        expect(await under.log.deleteBefore(T, 2)).toBe(1);
        expect(await under.log.deleteBefore(T, 2)).toBe(0);
      });
    });

    describe('lists', () => {
      test("a user's log-outs page by page, newest first, each once", async () => {
        const userId = newUserId();
        // Three share one millisecond, over the edge of a page.
        const events = [T + 2, T + 1, T + 1, T + 1, T].map((at) => sampleLogout(at, { userId }));
        await under.log.writeLogouts([...events.toReversed(), sampleLogout(T + 1)]);
        const expected = events.toSorted((a, b) => b.loggedOutAtMs - a.loggedOutAtMs || byId(b, a));
        const seen: LogoutActivity[] = [];
        for (let page = 0; page < 4; page += 1)
          seen.push(...(await under.log.listLogouts(userId, 2, seen.at(-1) ?? null)));
        expect(seen).toEqual(expected);
      });

      test('no log-outs of a user who has none', async () => {
        await under.log.writeLogouts([sampleLogout(T)]);
        expect(await under.log.listLogouts(newUserId(), 10, null)).toEqual([]);
      });

      test("all users' log-outs since a time page by page, oldest first, each once", async () => {
        // Three share one millisecond, over the edge of a page.
        const events = [T, T + 1, T + 1, T + 1, T + 2].map((at) => sampleLogout(at));
        await under.log.writeLogouts([...events.toReversed(), sampleLogout(T - 1)]);
        const expected = events.toSorted((a, b) => a.loggedOutAtMs - b.loggedOutAtMs || byId(a, b));
        const seen: LogoutActivity[] = [];
        for (let page = 0; page < 4; page += 1)
          seen.push(...(await under.log.listEndedSince(T, 2, seen.at(-1) ?? null)));
        expect(seen).toEqual(expected);
        expect(await under.log.listEndedSince(T + 3, 2, null)).toEqual([]);
      });

      test("a user's sign-ins and sign-outs together, newest first, up to the limit", async () => {
        const userId = newUserId();
        const client = { ...SAMPLE_CLIENT, userAgent: NASTY };
        await under.log.writeLogins([
          sampleLogin(T, { userId, client }),
          sampleLogin(T + 2, { userId, outcome: 'bad_credentials', client: UNKNOWN_CLIENT }),
          sampleLogin(T + 5),
        ]);
        await under.log.writeLogouts([
          sampleLogout(T + 1, { userId }),
          sampleLogout(T + 3, { userId, reason: 'evicted' }),
        ]);
        const { ipAddress, country, userAgent } = SAMPLE_CLIENT;
        const lines = [
          { what: 'logout', atMs: T + 3, detail: 'evicted', ipAddress, country, userAgent },
          { what: 'login', atMs: T + 2, detail: 'bad_credentials', ...UNKNOWN_CLIENT },
          { what: 'logout', atMs: T + 1, detail: 'logout', ipAddress, country, userAgent },
          { what: 'login', atMs: T, detail: 'success', ipAddress, country, userAgent: NASTY },
        ];
        expect(await under.log.listRecent(userId, 10)).toEqual(lines);
        expect(await under.log.listRecent(userId, 2)).toEqual(lines.slice(0, 2));
      });
    });

    test('replies to a ping', async () => {
      await under.log.ping();
    });
  });
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
