import { describe, expect, test } from 'vitest';
import { endsAtMs } from '../../../src/session/rules.ts';
import {
  newTokenHash,
  newUserId,
  NO_USER,
  sampleOperation,
  sampleSession,
  sampleStart,
  offer,
} from '../../fakes/samples.ts';
import { begin, expectInOutbox, pendingLogouts, reasonsOf, type Current } from './under-test.ts';

export function describeRenew(current: Current): void {
  describe('renew', () => {
    test.each(['cookie', 'bearer'] as const)(
      'gives a %s session a new token and keeps everything else',
      async (kind) => {
        const { store, nowMs } = current();
        const { credential, session } = await begin(current(), { kind, deviceName: 'Pixel' });
        const tokenHash = newTokenHash();
        const result = await store.renew(credential, tokenHash, session, sampleOperation(nowMs()));
        expect(result).toEqual({ status: 'renewed', session, logouts: [] });
        expect(await store.check(offer(tokenHash, kind), nowMs())).toMatchObject({
          status: 'valid',
          session,
        });
        expect(await store.list(offer(tokenHash, kind), nowMs())).toMatchObject({ sessions: [session] });
        expect(await pendingLogouts(current())).toEqual([]);
      },
    );

    test('the old token is no longer valid, and the result says why', async () => {
      const { store, nowMs } = current();
      const { credential, session } = await begin(current());
      const operation = sampleOperation(nowMs());
      await store.renew(credential, newTokenHash(), session, operation);
      const { id: sessionId, userId } = session;
      const { ipAddress } = operation.client;
      expect(await store.check(credential, nowMs())).toEqual({
        status: 'invalid',
        reason: 'ended',
        tombstone: { sessionId, userId, reason: 'renewed', endedAtMs: operation.nowMs, ipAddress },
      });
      expect(await store.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()))).toEqual(
        [],
      );
    });

    test('ends the other sessions of the user with password_changed', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [me, other, phone] = [
        await begin(current(), { userId }),
        await begin(current(), { userId }),
        await begin(current(), { userId, kind: 'bearer' }),
      ];
      const stranger = await begin(current());
      const result = await store.renew(me.credential, newTokenHash(), me.session, sampleOperation(nowMs()));
      if (result.status !== 'renewed') throw new Error(result.status);
      expect(reasonsOf(result.logouts)).toEqual(
        [other, phone].map(({ session }): [string, string] => [session.id, 'password_changed']).sort(),
      );
      await expectInOutbox(current(), result.logouts);
      expect(await store.check(stranger.credential, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('refuses starts whose password was checked before it, not after', async () => {
      const { store, nowMs, advance } = current();
      const { credential, session } = await begin(current());
      const checkedAtMs = nowMs();
      await advance(1000);
      await store.renew(credential, newTokenHash(), session, sampleOperation(nowMs()));
      const late = sampleSession(nowMs(), { userId: session.userId });
      const start = (checkedFromMs: number) =>
        store.start(sampleStart(late, newTokenHash(), { checkedFromMs }));
      await expect(start(checkedAtMs)).resolves.toEqual({ status: 'superseded' });
      await expect(start(nowMs())).resolves.toMatchObject({ logouts: [] });
    });

    test('that arrives late does not move a later cutoff back', async () => {
      const { store, nowMs, advance } = current();
      const { credential, session } = await begin(current());
      const sentMs = nowMs();
      await advance(500);
      const checkedAtMs = nowMs();
      await advance(500);
      await store.renew(credential, newTokenHash(), session, sampleOperation(nowMs()));
      await store.renew(credential, newTokenHash(), session, sampleOperation(sentMs));
      const start = sampleStart(sampleSession(nowMs(), { userId: session.userId }), newTokenHash(), {
        checkedFromMs: checkedAtMs,
      });
      await expect(store.start(start)).resolves.toEqual({ status: 'superseded' });
    });

    test('with a session that was ended meanwhile still ends the others', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [me, thief] = [await begin(current(), { userId }), await begin(current(), { userId })];
      await store.end([me.credential.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      const result = await store.renew(me.credential, newTokenHash(), me.session, sampleOperation(nowMs()));
      expect(result).toMatchObject({ status: 'invalid', reason: 'ended' });
      expect(await store.check(thief.credential, nowMs())).toMatchObject({
        reason: 'ended',
        tombstone: { reason: 'password_changed' },
      });
    });

    test('the session goes on under its new token, by the same rules', async () => {
      const { store, nowMs, advance } = current();
      const { credential, session } = await begin(current());
      const tokenHash = newTokenHash();
      await store.renew(credential, tokenHash, session, sampleOperation(nowMs()));
      const renewed = offer(tokenHash, 'cookie');
      expect(await store.check(renewed, endsAtMs(session))).toMatchObject({ reason: 'expired' });
      const seen = { ...session, lastSeenAtMs: session.lastSeenAtMs + 3_600_000 };
      expect(await store.refresh(tokenHash, seen)).toBe(true);
      await advance(session.idleAgeSeconds * 1000 + 60_000);
      expect(await store.check(renewed, nowMs())).toMatchObject({ status: 'valid', session: seen });
      expect(await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()))).toHaveLength(1);
    });

    test('retried as the same operation, returns the same result', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [me, other] = [await begin(current(), { userId }), await begin(current(), { userId })];
      const [tokenHash, operation] = [newTokenHash(), sampleOperation(nowMs())];
      const first = await store.renew(me.credential, tokenHash, me.session, operation);
      expect(first).toMatchObject({ logouts: [{ activity: { sessionId: other.session.id } }] });
      expect(await store.renew(me.credential, tokenHash, me.session, operation)).toEqual(first);
      expect(await pendingLogouts(current())).toHaveLength(1);
      expect(await store.check(offer(tokenHash, 'cookie'), nowMs())).toMatchObject({ status: 'valid' });
    });

    test('refuses a new token that was abandoned meanwhile, and changes nothing', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [me, other] = [await begin(current(), { userId }), await begin(current(), { userId })];
      const tokenHash = newTokenHash();
      await store.abandon(tokenHash, me.session, sampleOperation(nowMs()));
      await expect(
        store.renew(me.credential, tokenHash, me.session, sampleOperation(nowMs())),
      ).resolves.toEqual({ status: 'superseded' });
      expect(await store.check(other.credential, nowMs())).toMatchObject({ status: 'valid' });
      const list = await store.list(other.credential, nowMs());
      expect(list).toMatchObject({ sessions: expect.arrayContaining([me.session]) as unknown });
    });

    test('gives no token to a credential that is no open session', async () => {
      const { store, nowMs } = current();
      const { credential, session } = await begin(current());
      const tokenHash = newTokenHash();
      const renewWith = (changes: Partial<typeof credential>, atMs = nowMs()) =>
        store.renew({ ...credential, ...changes }, tokenHash, NO_USER, sampleOperation(atMs));
      expect(await renewWith({ tokenHash: newTokenHash() })).toMatchObject({ reason: 'unknown' });
      expect(await renewWith({ kind: 'bearer' })).toMatchObject({ reason: 'unknown' });
      expect(await renewWith({}, endsAtMs(session))).toMatchObject({ reason: 'expired' });
      await store.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      expect(await renewWith({})).toMatchObject({ reason: 'ended' });
      expect(await store.check(offer(tokenHash, 'cookie'), nowMs())).toMatchObject({ reason: 'unknown' });
    });
  });
}
