import { describe, expect, test } from 'vitest';
import { isExpiry, LOGOUT_REASONS } from '../../../src/activity/events.ts';
import { RECEIPT_SECONDS } from '../../../src/session/session-store.ts';
import { eventId } from '../../fakes/memory-session-store.ts';
import { newTokenHash, newUserId, sampleOperation } from '../../fakes/samples.ts';
import { begin, expectInOutbox, pendingLogouts, reasonsOf, type Current } from './under-test.ts';

/** Whether a caller ends sessions for that reason. */
const isGiven = (reason: string): boolean => !isExpiry(reason) && reason !== 'abandoned';

export function describeEnd(current: Current): void {
  describe('end', () => {
    test('records who, which session, from where, when and why', async () => {
      const { store, nowMs } = current();
      const { tokenHash, session, credential } = await begin(current(), { username: 'ann' });
      const operation = sampleOperation(nowMs() + 5000);
      const logouts = await store.end([tokenHash], 'cookie', 'logout', operation);
      expect(logouts).toEqual([
        {
          entryId: expect.any(String) as string,
          activity: {
            type: 'logout',
            id: eventId(operation.nowMs, session.id),
            userId: session.userId,
            username: 'ann',
            sessionId: session.id,
            reason: 'logout',
            // Of the request that ended it, not of the session's own.
            client: operation.client,
            loggedOutAtMs: operation.nowMs,
          },
        },
      ]);
      await expectInOutbox(current(), logouts);
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'ended' });
    });

    test.each(LOGOUT_REASONS.filter(isGiven))('records the reason %s', async (reason) => {
      const { store, nowMs } = current();
      const { tokenHash, session, credential } = await begin(current());
      const logouts = await store.end([tokenHash], 'cookie', reason, sampleOperation(nowMs()));
      expect(reasonsOf(logouts)).toEqual([[session.id, reason]]);
      expect(await store.check(credential, nowMs())).toMatchObject({ tombstone: { reason } });
    });

    test('ends several at once, each under its own id', async () => {
      const { store, nowMs } = current();
      const begun = [await begin(current()), await begin(current()), await begin(current())];
      const operation = sampleOperation(nowMs());
      const hashes = begun.map(({ tokenHash }) => tokenHash);
      const logouts = await store.end(hashes, 'cookie', 'logout', operation);
      expect(logouts.map(({ activity }) => activity.sessionId)).toEqual(begun.map((each) => each.session.id));
      expect(logouts.map(({ activity }) => activity.id)).toEqual(
        begun.map(({ session }) => eventId(operation.nowMs, session.id)),
      );
      await expectInOutbox(current(), logouts);
    });

    test('derives the event id from the session and the time, as a UUIDv7', async () => {
      const { store, nowMs } = current();
      const [first, second] = [await begin(current()), await begin(current())];
      const hashes = [first.tokenHash, second.tokenHash];
      const logouts = await store.end(hashes, 'cookie', 'logout', sampleOperation(nowMs()));
      const ids = logouts.map(({ activity }) => activity.id);
      for (const id of ids)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(ids.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16))).toEqual([
        nowMs(),
        nowMs(),
      ]);
      expect(new Set(ids).size).toBe(2);
    });

    test('leaves out what is not open: ended, unknown, abandoned, a duplicate', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const open = await begin(current());
      const ended = await begin(current());
      await store.end([ended.tokenHash], 'cookie', 'logout', sampleOperation(t));
      const abandoned = await begin(current());
      await store.abandon(abandoned.tokenHash, abandoned.session, sampleOperation(t));
      const before = await pendingLogouts(current());
      const hashes = [ended, abandoned, open, open].map(({ tokenHash }) => tokenHash);
      const logouts = await store.end([newTokenHash(), ...hashes], 'cookie', 'logout', sampleOperation(t));
      expect(reasonsOf(logouts)).toEqual([[open.session.id, 'logout']]);
      expect(await pendingLogouts(current())).toHaveLength(before.length + 1);
    });

    test('an expired session ends as such and is no log-out; no refresh under way revives it', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const { tokenHash, session, credential } = await begin(current(), { idleAgeSeconds: 60 });
      expect(await store.end([tokenHash], 'cookie', 'logout', sampleOperation(t + 61_000))).toEqual([]);
      expect(await pendingLogouts(current())).toMatchObject([
        { sessionId: session.id, reason: 'expired_idle', loggedOutAtMs: t + 60_000 },
      ]);
      expect(await store.refresh(tokenHash, { ...session, lastSeenAtMs: t + 59_000 })).toBe(false);
      expect(await store.check(credential, t + 61_000)).toEqual({ status: 'invalid', reason: 'expired' });
    });

    test('without tokens ends nothing', async () => {
      expect(await current().store.end([], 'cookie', 'logout', sampleOperation(current().nowMs()))).toEqual(
        [],
      );
    });

    test.each([
      { kind: 'cookie', other: 'bearer' },
      { kind: 'bearer', other: 'cookie' },
    ] as const)('does not end a $kind session offered as a $other', async ({ kind, other }) => {
      const { store, nowMs } = current();
      const { tokenHash, credential } = await begin(current(), { kind });
      expect(await store.end([tokenHash], other, 'logout', sampleOperation(nowMs()))).toEqual([]);
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid' });
      expect(await store.end([tokenHash], kind, 'logout', sampleOperation(nowMs()))).toHaveLength(1);
    });

    test('ends a session in its last millisecond, not after', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const [first, second] = [
        await begin(current(), { createdAtMs: t }),
        await begin(current(), { createdAtMs: t }),
      ];
      const endMs = t + 7_200_000;
      expect(await store.end([first.tokenHash], 'cookie', 'logout', sampleOperation(endMs))).toEqual([]);
      expect(
        await store.end([second.tokenHash], 'cookie', 'logout', sampleOperation(endMs - 1)),
      ).toHaveLength(1);
    });

    test('retried as the same operation, returns the same log-outs and records none', async () => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current());
      const operation = sampleOperation(nowMs());
      const first = await store.end([tokenHash], 'cookie', 'logout', operation);
      expect(first).toHaveLength(1);
      expect(await store.end([tokenHash], 'cookie', 'logout', operation)).toEqual(first);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('repeated as another operation, ends nothing more', async () => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current());
      await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      expect(await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()))).toEqual([]);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('records no second log-out even after the receipt has expired', async () => {
      const { store, nowMs, advance } = current();
      const { tokenHash } = await begin(current());
      const operation = sampleOperation(nowMs());
      await store.end([tokenHash], 'cookie', 'logout', operation);
      await advance(RECEIPT_SECONDS * 1000);
      expect(await store.end([tokenHash], 'cookie', 'logout', operation)).toEqual([]);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test("removes the session from its user's list", async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [gone, stays] = [await begin(current(), { userId }), await begin(current(), { userId })];
      await store.end([gone.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      expect(await store.list(stays.credential, nowMs())).toMatchObject({
        sessions: [{ id: stays.session.id }],
      });
    });
  });
}
