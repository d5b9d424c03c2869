import { describe, expect, test } from 'vitest';
import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import fc, { anyText } from '../../fakes/property.ts';
import { newTokenHash, newUserId, sampleOperation, sampleSession, sampleStart } from '../../fakes/samples.ts';
import {
  begin,
  expectInOutbox,
  pendingActivities,
  pendingLogouts,
  reasonsOf,
  type Current,
} from './under-test.ts';

export function describeStart(current: Current): void {
  describe('start', () => {
    test('replaces what the same user started with the same form in the last two minutes, and nothing else', async () => {
      const { store, nowMs, advance } = current();
      const userId = newUserId();
      const form = 'form-1';
      const [other, stranger] = [await begin(current(), { userId }), await begin(current(), {}, { form })];
      const first = await begin(current(), { userId }, { form });
      expect(first.started.logouts).toEqual([]);
      const second = await begin(current(), { userId }, { form });
      expect(reasonsOf(second.started.logouts)).toEqual([[first.session.id, 'replaced']]);
      for (const { credential } of [other, stranger, second])
        expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid' });
      await advance(120_000);
      expect((await begin(current(), { userId }, { form })).started.logouts).toEqual([]);
    });

    test('a copy of a form whose session was signed out meanwhile starts none', async () => {
      const { store, nowMs } = current();
      const form = 'form-2';
      const first = await begin(current(), {}, { form });
      await store.end([first.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      const copy = sampleSession(nowMs(), { userId: first.session.userId });
      const request = sampleStart(copy, newTokenHash(), { form });
      expect(await store.start(request)).toEqual({ status: 'superseded' });
      const stranger = sampleStart(sampleSession(nowMs()), newTokenHash(), { form });
      expect(await store.start(stranger)).toMatchObject({ status: 'started' });
    });

    test('adds the login to the outbox and returns its entry', async () => {
      const { outbox } = current();
      const { started, request } = await begin(current());
      expect(started.logouts).toEqual([]);
      expect(await outbox.readOldest(10)).toEqual([
        { entryId: started.loginEntryId, activity: request.login },
      ]);
    });

    test('the same request sent twice is one session and one login', async () => {
      const { store, nowMs } = current();
      const { request, credential, session } = await begin(current());
      expect(await store.start(request)).toEqual({ status: 'started', loginEntryId: null, logouts: [] });
      expect(await pendingActivities(current())).toHaveLength(1);
      expect(await store.list(credential, nowMs())).toMatchObject({ sessions: [session] });
    });

    test('the same request sent twice ends what it replaces once', async () => {
      const { store } = current();
      const old = await begin(current());
      const { request, started } = await begin(current(), {}, { replaces: [old.tokenHash] });
      await store.start(request);
      expect(reasonsOf(started.logouts)).toEqual([[old.session.id, 'replaced']]);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('refuses a request repeated after the session was ended', async () => {
      const { store, nowMs } = current();
      const { request, tokenHash, credential } = await begin(current());
      await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      await expect(store.start(request)).resolves.toEqual({ status: 'superseded' });
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'ended' });
    });

    test('refuses a token that another session has', async () => {
      const { store, nowMs } = current();
      const { tokenHash, credential, session } = await begin(current());
      const other = sampleSession(nowMs());
      await expect(store.start(sampleStart(other, tokenHash))).resolves.toEqual({ status: 'superseded' });
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid', session });
      expect(await pendingActivities(current())).toHaveLength(1);
    });

    test('ends the sessions it replaces, whoever they belong to', async () => {
      const { store, nowMs } = current();
      const mine = await begin(current(), { username: 'ann' });
      const theirs = await begin(current(), { username: 'bob' });
      const client = { ipAddress: '198.51.100.4', userAgent: 'new browser', country: 'T1' };
      const { started, request } = await begin(
        current(),
        { userId: mine.session.userId, client },
        { replaces: [mine.tokenHash, theirs.tokenHash, newTokenHash()] },
      );
      expect(started.logouts.map(({ activity }) => activity)).toEqual(
        [mine, theirs].map(({ session }, i) => ({
          type: 'logout',
          id: expect.any(String) as string,
          userId: session.userId,
          username: ['ann', 'bob'][i],
          sessionId: session.id,
          reason: 'replaced',
          client: request.operation.client,
          loggedOutAtMs: request.operation.nowMs,
        })),
      );
      await expectInOutbox(current(), started.logouts);
      for (const { credential } of [mine, theirs])
        expect(await store.check(credential, nowMs())).toMatchObject({ tombstone: { reason: 'replaced' } });
    });

    test('replaces cookies only: a bearer token in a cookie ends nothing', async () => {
      const { store, nowMs } = current();
      const bearer = await begin(current(), { kind: 'bearer' });
      const { started } = await begin(current(), {}, { replaces: [bearer.tokenHash] });
      expect(started.logouts).toEqual([]);
      expect(await store.check(bearer.credential, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('ends the oldest beyond the limit, cookie and bearer together', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const t = nowMs() - 10_000;
      const kinds = ['bearer', 'cookie', 'bearer', 'cookie'] as const;
      const begun = [];
      for (const [i, kind] of kinds.entries())
        begun.push(await begin(current(), { userId, kind, createdAtMs: t + i, lastSeenAtMs: nowMs() - i }));
      const { started, credential, session } = await begin(current(), { userId }, { maxSessionsPerUser: 3 });
      expect(reasonsOf(started.logouts)).toEqual(
        begun
          .slice(0, 2)
          .map((each) => [each.session.id, 'evicted'] as [string, string])
          .sort(),
      );
      await expectInOutbox(current(), started.logouts);
      const list = await store.list(credential, nowMs());
      expect(list).toMatchObject({
        sessions: [session.id, begun[3]!.session.id, begun[2]!.session.id].map((id) => ({ id })),
      });
    });

    test.each([
      { maxSessionsPerUser: 0, evicted: 0 },
      { maxSessionsPerUser: 1, evicted: 3 },
      { maxSessionsPerUser: 3, evicted: 1 },
      { maxSessionsPerUser: 4, evicted: 0 },
    ])('with 3 open and a limit of $maxSessionsPerUser, ends $evicted', async (row) => {
      const userId = newUserId();
      for (let i = 0; i < 3; i += 1) await begin(current(), { userId });
      const { maxSessionsPerUser } = row;
      const { started } = await begin(current(), { userId }, { maxSessionsPerUser });
      expect(started.logouts).toHaveLength(row.evicted);
    });

    test('makes room with what it replaces before it evicts', async () => {
      const userId = newUserId();
      const first = await begin(current(), { userId });
      const second = await begin(current(), { userId });
      const { started } = await begin(
        current(),
        { userId },
        { maxSessionsPerUser: 2, replaces: [second.tokenHash] },
      );
      expect(reasonsOf(started.logouts)).toEqual([[second.session.id, 'replaced']]);
      expect(await current().store.check(first.credential, current().nowMs())).toMatchObject({
        status: 'valid',
      });
    });

    test('does not count expired sessions, and records no log-out for them', async () => {
      const userId = newUserId();
      const t = current().nowMs();
      await begin(current(), { userId, createdAtMs: t - 7_200_000, lastSeenAtMs: t - 7_199_000 });
      await begin(current(), { userId, createdAtMs: t - 1000 });
      const late = { userId, createdAtMs: t + 1000, lastSeenAtMs: t + 1000 };
      const { started, credential } = await begin(current(), late, { maxSessionsPerUser: 2 });
      expect(started.logouts).toEqual([]);
      expect(await current().store.list(credential, t + 1000)).toMatchObject({ sessions: [{}, {}] });
    });

    test('does not touch the sessions of other users', async () => {
      const other = await begin(current());
      await begin(current(), {}, { maxSessionsPerUser: 1 });
      expect(await current().store.check(other.credential, current().nowMs())).toMatchObject({
        status: 'valid',
      });
    });

    test('keeps any text unchanged, in the record and the events', async () => {
      const text = anyText({ minLength: 1, maxLength: 60 });
      const nasty = `O'Brien "the\\ /x" \0\n\r\t\u007f\u2028 é 李 👩‍👩‍👧 ${'😀'.repeat(20)}`;
      await fc.assert(
        fc.asyncProperty(text, text, text, async (username, userAgent, deviceName) => {
          const { store, nowMs } = current();
          const client = { ipAddress: '2001:db8::7', userAgent, country: null };
          const { credential, session, tokenHash } = await begin(current(), { username, client, deviceName });
          expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid', session });
          const operation = sampleOperation(nowMs(), { client });
          const [logout] = await store.end([tokenHash], 'cookie', 'logout', operation);
          expect(logout?.activity).toMatchObject({ username, client });
          await expectInOutbox(current(), logout === undefined ? [] : [logout]);
        }),
        {
          numRuns: 20,
          examples: [
            [nasty, nasty, nasty],
            ['1e3', '[]', 'null'],
            ['{}', '-0', '١٢٣'],
          ],
        },
      );
    });

    test('keeps a user agent of 512 characters, emoji counted as one, and an empty client', async () => {
      const { store, nowMs } = current();
      const long = {
        ipAddress: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
        userAgent: '😀'.repeat(512),
        country: 'T1',
      };
      const none = { ipAddress: null, userAgent: null, country: null };
      for (const client of [long, none]) {
        const { credential, session } = await begin(current(), { client, username: '李'.repeat(150) });
        expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid', session });
      }
    });

    test('refuses text that is not well-formed, rather than store it changed', async () => {
      const { store, nowMs } = current();
      const session = sampleSession(nowMs(), { username: 'half a \ud83d surrogate pair' });
      await expect(store.start(sampleStart(session, newTokenHash()))).rejects.toMatchObject(
        STORE_UNAVAILABLE,
      );
      expect(await pendingActivities(current())).toEqual([]);
    });
  });
}
