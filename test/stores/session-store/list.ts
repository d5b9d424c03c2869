import { describe, expect, test } from 'vitest';
import { endsAtMs } from '../../../src/session/rules.ts';
import { newTokenHash, newUserId, sampleOperation, offer } from '../../fakes/samples.ts';
import { begin, pendingLogouts, type Current } from './under-test.ts';

export function describeList(current: Current): void {
  describe('list', () => {
    test('returns the session and all open ones of its user, newest first', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const t = nowMs();
      const middle = await begin(current(), { userId, createdAtMs: t - 2000 });
      const newest = await begin(current(), {
        userId,
        createdAtMs: t - 1000,
        kind: 'bearer',
        deviceName: 'Pixel',
      });
      const oldest = await begin(current(), { userId, createdAtMs: t - 3000, rememberMe: true });
      await begin(current());
      expect(await store.list(middle.credential, nowMs())).toMatchObject({
        status: 'valid',
        session: middle.session,
        sessions: [newest.session, middle.session, oldest.session],
      });
    });

    test('has a fixed order for sessions of the same millisecond', async () => {
      const { store, nowMs } = current();
      const [userId, createdAtMs] = [newUserId(), nowMs()];
      const begun = [];
      for (let i = 0; i < 5; i += 1) begun.push(await begin(current(), { userId, createdAtMs }));
      const result = await store.list(begun[0]!.credential, nowMs());
      const ids = result.status === 'valid' ? result.sessions.map(({ id }) => id) : [];
      expect(ids).toEqual(
        begun
          .map(({ session }) => session.id)
          .sort()
          .reverse(),
      );
    });

    test('leaves out expired sessions', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const t = nowMs();
      const me = await begin(current(), { userId, createdAtMs: t });
      await begin(current(), { userId, idleAgeSeconds: 60, createdAtMs: t });
      expect(await store.list(me.credential, t + 59_999)).toMatchObject({ sessions: [{}, {}] });
      expect(await store.list(me.credential, t + 60_000)).toMatchObject({
        sessions: [{ id: me.session.id }],
      });
      expect(await pendingLogouts(current())).toEqual([]);
    });

    test('includes refreshes', async () => {
      const { store, nowMs } = current();
      const { credential, tokenHash, session } = await begin(current());
      const seen = { ...session, lastSeenAtMs: session.lastSeenAtMs + 300_000 };
      await store.refresh(tokenHash, seen);
      expect(await store.list(credential, nowMs())).toMatchObject({ session: seen, sessions: [seen] });
    });

    test('lists nothing for a credential that is no open session', async () => {
      const { store, nowMs } = current();
      const { credential, session } = await begin(current());
      const unknown = { status: 'invalid', reason: 'unknown' };
      expect(await store.list(offer(newTokenHash(), 'cookie'), nowMs())).toEqual(unknown);
      expect(await store.list({ ...credential, kind: 'bearer' }, nowMs())).toEqual(unknown);
      expect(await store.list(credential, endsAtMs(session))).toEqual({
        status: 'invalid',
        reason: 'expired',
      });
      await store.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      expect(await store.list(credential, nowMs())).toMatchObject({ status: 'invalid', reason: 'ended' });
    });
  });
}
