import { describe, expect, test } from 'vitest';
import {
  newTokenHash,
  newUserId,
  sampleOperation,
  sampleSession,
  sampleStart,
  UNKNOWN_SESSION_ID,
  offer,
} from '../../fakes/samples.ts';
import { begin, expectInOutbox, pendingLogouts, reasonsOf, type Begun, type Current } from './under-test.ts';

/** A user with three sessions of both kinds, and another user with one. */
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
      begun.map(async ({ credential }) => {
        const check = await current().store.check(credential, current().nowMs());
        return check.status === 'valid';
      }),
    );

  describe('revoke', () => {
    test('ends one session of the same user by its id', async () => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const [me, phone] = all;
      const result = await store.revoke(me.credential, { only: phone.session.id }, sampleOperation(nowMs()));
      if (result.status !== 'revoked') throw new Error(result.status);
      expect(reasonsOf(result.logouts)).toEqual([[phone.session.id, 'revoked']]);
      await expectInOutbox(current(), result.logouts);
      expect(await stillOpen(all)).toEqual([true, false, true, true]);
    });

    test("ends the caller's own session as a log-out", async () => {
      const { store, nowMs } = current();
      const [me] = await openSessions(current);
      const result = await store.revoke(me.credential, { only: me.session.id }, sampleOperation(nowMs()));
      expect(result).toMatchObject({ status: 'revoked', logouts: [{ activity: { reason: 'logout' } }] });
      expect(await store.check(me.credential, nowMs())).toMatchObject({ tombstone: { reason: 'logout' } });
    });

    test.each([
      { who: "another user's", pick: (all: Begun[]) => all[3]!.session.id },
      { who: 'an unknown', pick: () => UNKNOWN_SESSION_ID },
    ])('does not find $who id, and changes nothing', async ({ pick }) => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const operation = sampleOperation(nowMs());
      expect(await store.revoke(all[0].credential, { only: pick(all) }, operation)).toEqual({
        status: 'not_found',
      });
      expect(await stillOpen(all)).toEqual([true, true, true, true]);
      expect(await pendingLogouts(current())).toEqual([]);
    });

    test('does not find a session that has ended or expired', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const userId = newUserId();
      const me = await begin(current(), { userId });
      const ended = await begin(current(), { userId });
      await store.end([ended.tokenHash], 'cookie', 'logout', sampleOperation(t));
      const short = await begin(current(), { userId, idleAgeSeconds: 60 });
      for (const { session } of [ended, short])
        expect(
          await store.revoke(me.credential, { only: session.id }, sampleOperation(t + 60_000 + 1)),
        ).toEqual({
          status: 'not_found',
        });
    });

    test.each([
      { scope: 'others', open: [true, false, false, true], reason: 'logout_others' },
      { scope: 'all', open: [false, false, false, true], reason: 'logout_all' },
    ] as const)('$scope ends sessions with $reason', async ({ scope, open, reason }) => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const result = await store.revoke(all[0].credential, scope, sampleOperation(nowMs()));
      if (result.status !== 'revoked') throw new Error(result.status);
      const gone = all.filter((_, i) => open[i] === false);
      expect(reasonsOf(result.logouts)).toEqual(
        gone.map(({ session }): [string, string] => [session.id, reason]).sort(),
      );
      await expectInOutbox(current(), result.logouts);
      expect(await stillOpen(all)).toEqual(open);
      expect(new Set(result.logouts.map(({ activity }) => activity.id)).size).toBe(result.logouts.length);
    });

    test('ends nothing for a user without other sessions', async () => {
      const { store, nowMs } = current();
      const { credential } = await begin(current());
      expect(await store.revoke(credential, 'others', sampleOperation(nowMs()))).toEqual({
        status: 'revoked',
        logouts: [],
      });
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid' });
    });

    test.each(['others', 'expired'] as const)(
      '%s: an expired session is no log-out, but ends for good',
      async (scope) => {
        const { store, nowMs } = current();
        const t = nowMs();
        const userId = newUserId();
        const me = await begin(current(), { userId });
        const { session, tokenHash } = await begin(current(), { userId, idleAgeSeconds: 60 });
        const result = await store.revoke(
          me.credential,
          scope === 'others' ? scope : { only: session.id },
          sampleOperation(t + 61_000),
        );
        expect(result).toEqual(
          scope === 'others' ? { status: 'revoked', logouts: [] } : { status: 'not_found' },
        );
        expect(await pendingLogouts(current())).toMatchObject([
          { sessionId: session.id, reason: 'expired_idle', loggedOutAtMs: t + 60_000 },
        ]);
        expect(await store.refresh(tokenHash, { ...session, lastSeenAtMs: t + 59_000 })).toBe(false);
      },
    );

    test.each([{ only: UNKNOWN_SESSION_ID }, 'others', 'all'] as const)(
      'retried as the same operation, %o returns the same result',
      async (scope) => {
        const { store, nowMs } = current();
        const [me, phone] = await openSessions(current);
        const operation = sampleOperation(nowMs());
        const wanted = typeof scope === 'object' ? { only: phone.session.id } : scope;
        const first = await store.revoke(me.credential, wanted, operation);
        expect(first).toMatchObject({ status: 'revoked' });
        const recorded = await pendingLogouts(current());
        expect(await store.revoke(me.credential, wanted, operation)).toEqual(first);
        expect(await pendingLogouts(current())).toEqual(recorded);
      },
    );

    test('changes nothing for a credential that is no open session, and says why', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const all = await openSessions(current);
      const [me, phone] = all;
      const revokeWith = (credential: typeof me.credential, atMs = t) =>
        store.revoke(credential, 'all', sampleOperation(atMs));
      const unknown = { status: 'invalid', reason: 'unknown' };
      expect(await revokeWith(offer(newTokenHash(), 'cookie'))).toEqual(unknown);
      expect(await revokeWith({ ...me.credential, kind: 'bearer' })).toEqual(unknown);
      expect(await revokeWith({ ...phone.credential, kind: 'cookie' })).toEqual(unknown);
      expect(await revokeWith(me.credential, t + 7_300_000)).toEqual({
        status: 'invalid',
        reason: 'expired',
      });
      expect(await stillOpen(all)).toEqual([true, true, true, true]);
      await store.end([me.tokenHash], 'cookie', 'logout', sampleOperation(t));
      expect(await revokeWith(me.credential)).toMatchObject({
        reason: 'ended',
        tombstone: { sessionId: me.session.id },
      });
      expect(await stillOpen(all)).toEqual([false, true, true, true]);
    });
  });

  describe('endOthers', () => {
    test('ends all sessions of the user but one, with password_changed', async () => {
      const { store, nowMs } = current();
      const all = await openSessions(current);
      const [me, phone, other] = all;
      const logouts = await store.endOthers(me.session, me.tokenHash, sampleOperation(nowMs()));
      expect(reasonsOf(logouts)).toEqual(
        [phone, other].map(({ session }): [string, string] => [session.id, 'password_changed']).sort(),
      );
      await expectInOutbox(current(), logouts);
      expect(await stillOpen(all)).toEqual([true, false, false, true]);
    });

    test('ends them all if the one to keep has ended, and refuses starts checked earlier', async () => {
      const { store, nowMs, advance } = current();
      const userId = newUserId();
      const [me, thief] = [await begin(current(), { userId }), await begin(current(), { userId })];
      await store.end([me.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      const checkedAtMs = nowMs();
      await advance(1000);
      const operation = sampleOperation(nowMs());
      const logouts = await store.endOthers(me.session, me.tokenHash, operation);
      expect(reasonsOf(logouts)).toEqual([[thief.session.id, 'password_changed']]);
      expect(await store.endOthers(me.session, me.tokenHash, operation)).toEqual(logouts);
      expect(await store.check(thief.credential, nowMs())).toMatchObject({
        tombstone: { reason: 'password_changed' },
      });
      const late = sampleStart(sampleSession(nowMs(), { userId }), newTokenHash(), {
        checkedFromMs: checkedAtMs,
      });
      await expect(store.start(late)).resolves.toEqual({ status: 'superseded' });
    });
  });
}
