import { describe, expect, test } from 'vitest';
import { StartRefusedError } from '../../../src/session/session-store.ts';
import {
  newTokenHash,
  newUserId,
  sampleEnding,
  sampleSession,
  sampleStart,
  UNKNOWN_SESSION_ID,
} from '../../fakes/samples.ts';
import { begin, expectInOutbox, pendingLogouts, reasonsOf, type Begun, type Current } from './under-test.ts';

/** A user with three sessions of both kinds, and somebody else with one. */
async function openSessions(current: Current): Promise<[Begun, Begun, Begun, Begun]> {
  const userId = newUserId();
  return [
    await begin(current(), { userId }),
    await begin(current(), { userId, kind: 'bearer' }),
    await begin(current(), { userId }),
    await begin(current()),
  ];
}

export function describeRevoke(current: Current): void {
  const stillOpen = async (begun: readonly Begun[]): Promise<boolean[]> =>
    Promise.all(
      begun.map(async ({ holder }) => {
        const check = await current().store.check(holder, current().nowMs());
        return check.status === 'valid';
      }),
    );

  describe('revoke', () => {
    test('one session of the same user, by its id', async () => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const [me, phone] = all;
      const result = await store.revoke(me.holder, { only: phone.session.id }, sampleEnding(nowMs()));
      if (result.status !== 'revoked') throw new Error(`answered ${result.status}`);
      expect(reasonsOf(result.logouts)).toEqual([[phone.session.id, 'revoked']]);
      await expectInOutbox(current(), result.logouts);
      expect(await stillOpen(all)).toEqual([true, false, true, true]);
    });

    test("one's own id is a logout", async () => {
      const { store, nowMs } = current();
      const [me] = await openSessions(current);
      const result = await store.revoke(me.holder, { only: me.session.id }, sampleEnding(nowMs()));
      expect(result).toMatchObject({ status: 'revoked', logouts: [{ activity: { reason: 'logout' } }] });
      expect(await store.check(me.holder, nowMs())).toMatchObject({ tombstone: { reason: 'logout' } });
    });

    test.each([
      { who: "somebody else's", pick: (all: Begun[]) => all[3]!.session.id },
      { who: 'nobody’s', pick: () => UNKNOWN_SESSION_ID },
    ])('$who id is not found, and nothing changes', async ({ pick }) => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const ending = sampleEnding(nowMs());
      expect(await store.revoke(all[0].holder, { only: pick(all) }, ending)).toEqual({ status: 'not_found' });
      expect(await stillOpen(all)).toEqual([true, true, true, true]);
      expect(await pendingLogouts(current())).toEqual([]);
    });

    test('a session that was ended or ran out is not found', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const userId = newUserId();
      const me = await begin(current(), { userId });
      const ended = await begin(current(), { userId });
      await store.end([ended.tokenHash], 'cookie', 'logout', sampleEnding(t));
      const short = await begin(current(), { userId, idleAgeSeconds: 60 });
      for (const { session } of [ended, short])
        expect(await store.revoke(me.holder, { only: session.id }, sampleEnding(t + 60_000 + 1))).toEqual({
          status: 'not_found',
        });
    });

    test.each([
      { scope: { all: 'others' }, open: [true, false, false, true], reason: 'logout_others' },
      {
        scope: { all: 'others', because: 'password_changed' },
        open: [true, false, false, true],
        reason: 'password_changed',
      },
      { scope: { all: 'everywhere' }, open: [false, false, false, true], reason: 'logout_all' },
    ] as const)('$scope ends with $reason', async ({ scope, open, reason }) => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const { userId } = all[0].session;
      const asked = 'because' in scope ? { ...scope, userId } : scope;
      const result = await store.revoke(all[0].holder, asked, sampleEnding(nowMs()));
      if (result.status !== 'revoked') throw new Error(`answered ${result.status}`);
      const gone = all.filter((_, i) => open[i] === false);
      expect(reasonsOf(result.logouts)).toEqual(
        gone.map(({ session }): [string, string] => [session.id, reason]).sort(),
      );
      await expectInOutbox(current(), result.logouts);
      expect(await stillOpen(all)).toEqual(open);
      expect(new Set(result.logouts.map(({ activity }) => activity.id)).size).toBe(result.logouts.length);
    });

    test('after a password change the others end without the holder, too, and starts checked before are refused', async () => {
      const { store, nowMs, advance } = current();
      const userId = newUserId();
      const [me, thief] = [await begin(current(), { userId }), await begin(current(), { userId })];
      await store.end([me.tokenHash], 'cookie', 'logout', sampleEnding(nowMs()));
      const lookedAtMs = nowMs();
      await advance(1000);
      const scope = { all: 'others', because: 'password_changed', userId } as const;
      const ending = sampleEnding(nowMs());
      for (let i = 0; i < 2; i += 1)
        expect(await store.revoke(me.holder, scope, ending)).toMatchObject({
          status: 'invalid',
          reason: 'ended',
        });
      expect(await store.check(thief.holder, nowMs())).toMatchObject({
        tombstone: { reason: 'password_changed' },
      });
      const late = sampleStart(sampleSession(nowMs(), { userId }), newTokenHash(), {
        checkedFromMs: lookedAtMs,
      });
      await expect(store.start(late)).rejects.toThrow(StartRefusedError);
    });

    test('the others of somebody who has no others are none', async () => {
      const { store, nowMs } = current();
      const { holder } = await begin(current());
      expect(await store.revoke(holder, { all: 'others' }, sampleEnding(nowMs()))).toEqual({
        status: 'revoked',
        logouts: [],
      });
      expect(await store.check(holder, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('sessions that ran out are not recorded as logouts', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const userId = newUserId();
      const me = await begin(current(), { userId });
      await begin(current(), { userId, idleAgeSeconds: 60 });
      const result = await store.revoke(me.holder, { all: 'others' }, sampleEnding(t + 61_000));
      expect(result).toEqual({ status: 'revoked', logouts: [] });
      expect(await pendingLogouts(current())).toEqual([]);
    });

    test.each([{ only: UNKNOWN_SESSION_ID }, { all: 'others' }, { all: 'everywhere' }] as const)(
      'repeated as the same operation, %o gives its answer again',
      async (scope) => {
        const { store, nowMs } = current();
        const [me, phone] = await openSessions(current);
        const ending = sampleEnding(nowMs());
        const wanted = 'only' in scope ? { only: phone.session.id } : scope;
        const first = await store.revoke(me.holder, wanted, ending);
        expect(first).toMatchObject({ status: 'revoked' });
        const recorded = await pendingLogouts(current());
        expect(await store.revoke(me.holder, wanted, ending)).toEqual(first);
        expect(await pendingLogouts(current())).toEqual(recorded);
      },
    );

    test('a holder that is no session changes nothing and learns why', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const all = await openSessions(current);
      const [me, phone] = all;
      const asked = (holder: typeof me.holder, atMs = t) =>
        store.revoke(holder, { all: 'everywhere' }, sampleEnding(atMs));
      const unknown = { status: 'invalid', reason: 'unknown' };
      expect(await asked({ tokenHash: newTokenHash(), kind: 'cookie' })).toEqual(unknown);
      expect(await asked({ ...me.holder, kind: 'bearer' })).toEqual(unknown);
      expect(await asked({ ...phone.holder, kind: 'cookie' })).toEqual(unknown);
      expect(await asked(me.holder, t + 7_300_000)).toEqual({ status: 'invalid', reason: 'expired' });
      expect(await stillOpen(all)).toEqual([true, true, true, true]);
      await store.end([me.tokenHash], 'cookie', 'logout', sampleEnding(t));
      expect(await asked(me.holder)).toMatchObject({
        reason: 'ended',
        tombstone: { sessionId: me.session.id },
      });
      expect(await stillOpen(all)).toEqual([false, true, true, true]);
    });
  });
}
