import { describe, expect, test } from 'vitest';
import { LOGOUT_REASONS } from '../../../src/activity/events.ts';
import { OPERATION_RECEIPT_SECONDS } from '../../../src/session/session-store.ts';
import { uuidAt } from '../../../src/uuid.ts';
import { newTokenHash, newUserId, sampleEnding } from '../../fakes/samples.ts';
import { begin, expectInOutbox, pendingLogouts, reasonsOf, type Current } from './under-test.ts';

export function describeEnd(current: Current): void {
  describe('end', () => {
    test('records who, which session, from where, when and why', async () => {
      const { store, nowMs } = current();
      const { tokenHash, session, holder } = await begin(current(), { username: 'ann' });
      const ending = sampleEnding(nowMs() + 5000);
      const logouts = await store.end([tokenHash], 'cookie', 'logout', ending);
      expect(logouts).toEqual([
        {
          entryId: expect.any(String) as string,
          activity: {
            type: 'logout',
            id: uuidAt(ending.eventIds, 0),
            userId: session.userId,
            username: 'ann',
            sessionId: session.id,
            reason: 'logout',
            // Of the request that ended it, not of the session's own.
            client: ending.client,
            loggedOutAtMs: ending.nowMs,
          },
        },
      ]);
      await expectInOutbox(current(), logouts);
      expect(await store.check(holder, nowMs())).toMatchObject({ reason: 'ended' });
    });

    test.each(LOGOUT_REASONS)('records the reason %s', async (reason) => {
      const { store, nowMs } = current();
      const { tokenHash, session, holder } = await begin(current());
      const logouts = await store.end([tokenHash], 'cookie', reason, sampleEnding(nowMs()));
      expect(reasonsOf(logouts)).toEqual([[session.id, reason]]);
      expect(await store.check(holder, nowMs())).toMatchObject({ tombstone: { reason } });
    });

    test('ends several at once, each under its own id', async () => {
      const { store, nowMs } = current();
      const begun = [await begin(current()), await begin(current()), await begin(current())];
      const ending = sampleEnding(nowMs());
      const hashes = begun.map(({ tokenHash }) => tokenHash);
      const logouts = await store.end(hashes, 'cookie', 'logout', ending);
      expect(logouts.map(({ activity }) => activity.sessionId)).toEqual(begun.map((each) => each.session.id));
      expect(logouts.map(({ activity }) => activity.id)).toEqual(
        [0, 1, 2].map((i) => uuidAt(ending.eventIds, i)),
      );
      await expectInOutbox(current(), logouts);
    });

    test('counts the ids up past a carry', async () => {
      const { store, nowMs } = current();
      const begun = [await begin(current()), await begin(current()), await begin(current())];
      const eventIds = { prefix: '019aab00-0000-7000-8000-', first: 2 ** 47 - 2 };
      const hashes = begun.map(({ tokenHash }) => tokenHash);
      const logouts = await store.end(hashes, 'cookie', 'logout', sampleEnding(nowMs(), { eventIds }));
      expect(logouts.map(({ activity }) => activity.id.slice(24))).toEqual([
        '7ffffffffffe',
        '7fffffffffff',
        '800000000000',
      ]);
    });

    test('leaves out what is not open: ended, unknown, run out, abandoned, twice the same', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const open = await begin(current());
      const ended = await begin(current());
      await store.end([ended.tokenHash], 'cookie', 'logout', sampleEnding(t));
      const abandoned = await begin(current());
      await store.abandon(abandoned.tokenHash, abandoned.session, t);
      const short = await begin(current(), { idleAgeSeconds: 60 });
      const hashes = [ended, abandoned, short, open, open].map(({ tokenHash }) => tokenHash);
      const ending = sampleEnding(t + 61_000);
      const logouts = await store.end([newTokenHash(), ...hashes], 'cookie', 'logout', ending);
      expect(reasonsOf(logouts)).toEqual([[open.session.id, 'logout']]);
      expect(await pendingLogouts(current())).toHaveLength(2);
    });

    test('of no tokens ends nothing', async () => {
      expect(await current().store.end([], 'cookie', 'logout', sampleEnding(current().nowMs()))).toEqual([]);
    });

    test.each([
      { kind: 'cookie', other: 'bearer' },
      { kind: 'bearer', other: 'cookie' },
    ] as const)('a $kind session shown as a $other is not ended', async ({ kind, other }) => {
      const { store, nowMs } = current();
      const { tokenHash, holder } = await begin(current(), { kind });
      expect(await store.end([tokenHash], other, 'logout', sampleEnding(nowMs()))).toEqual([]);
      expect(await store.check(holder, nowMs())).toMatchObject({ status: 'valid' });
      expect(await store.end([tokenHash], kind, 'logout', sampleEnding(nowMs()))).toHaveLength(1);
    });

    test('a session is over at its end: one millisecond before, it is a logout', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const [first, second] = [
        await begin(current(), { createdAtMs: t }),
        await begin(current(), { createdAtMs: t }),
      ];
      const endMs = t + 7_200_000;
      expect(await store.end([first.tokenHash], 'cookie', 'logout', sampleEnding(endMs))).toEqual([]);
      expect(await store.end([second.tokenHash], 'cookie', 'logout', sampleEnding(endMs - 1))).toHaveLength(
        1,
      );
    });

    test('repeated under the same operation, gives the same logouts again and records none', async () => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current());
      const ending = sampleEnding(nowMs());
      const first = await store.end([tokenHash], 'cookie', 'logout', ending);
      expect(first).toHaveLength(1);
      expect(await store.end([tokenHash], 'cookie', 'logout', ending)).toEqual(first);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('repeated under the same operation, ends nothing that began meanwhile', async () => {
      const { store, nowMs } = current();
      const ending = sampleEnding(nowMs());
      const hash = newTokenHash();
      await store.end([hash], 'cookie', 'logout', ending);
      const { tokenHash, holder } = await begin(current());
      expect(await store.end([tokenHash], 'cookie', 'logout', ending)).toEqual([]);
      expect(await store.check(holder, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('repeated as another operation, ends nothing more', async () => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current());
      await store.end([tokenHash], 'cookie', 'logout', sampleEnding(nowMs()));
      expect(await store.end([tokenHash], 'cookie', 'logout', sampleEnding(nowMs()))).toEqual([]);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('forgets the operation after a while, and still records no second logout', async () => {
      const { store, nowMs, advance } = current();
      const { tokenHash } = await begin(current());
      const ending = sampleEnding(nowMs());
      await store.end([tokenHash], 'cookie', 'logout', ending);
      await advance(OPERATION_RECEIPT_SECONDS * 1000);
      expect(await store.end([tokenHash], 'cookie', 'logout', ending)).toEqual([]);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test("takes the session from its user's list", async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [gone, stays] = [await begin(current(), { userId }), await begin(current(), { userId })];
      await store.end([gone.tokenHash], 'cookie', 'logout', sampleEnding(nowMs()));
      expect(await store.list(stays.holder, nowMs())).toMatchObject({ sessions: [{ id: stays.session.id }] });
    });
  });
}
