import { describe, expect, test } from 'vitest';
import { newUserId, sampleLogout, sampleOperation } from '../../fakes/samples.ts';
import { begin, pendingActivities, pendingLogouts, type Begun, type Current } from './under-test.ts';

/** The row of a sign-out of this session, which Redis lost. */
const rowOf = ({ session: { id, userId } }: Begun, atMs: number) =>
  sampleLogout(atMs, { sessionId: id, userId, reason: 'revoked' });

export function describeEndAgain(current: Current): void {
  describe('endAgain', () => {
    test('ends what is open, for the reason in its row, without a second log-out', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const [first, second, stays] = [
        await begin(current(), { userId }),
        await begin(current(), { kind: 'bearer' }),
        await begin(current(), { userId }),
      ];
      const before = await pendingActivities(current());
      const rows = [first, second].map((each) => rowOf(each, nowMs() - 1000));
      const ended = await store.endAgain(rows, nowMs());
      expect(ended).toEqual([first.session.id, second.session.id]);
      for (const { credential, session } of [first, second])
        expect(await store.check(credential, nowMs())).toEqual({
          status: 'invalid',
          reason: 'ended',
          tombstone: {
            sessionId: session.id,
            userId: session.userId,
            reason: 'revoked',
            // Of the repair, which comes from no address.
            endedAtMs: nowMs(),
            ipAddress: null,
          },
        });
      expect(await store.list(stays.credential, nowMs())).toMatchObject({
        sessions: [{ id: stays.session.id }],
      });
      expect(await pendingActivities(current())).toEqual(before);
      expect(await store.endAgain(rows, nowMs())).toEqual([]);
    });

    test('leaves alone what is not open, or not listed for that user', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const ended = await begin(current());
      await store.end([ended.tokenHash], 'cookie', 'logout', sampleOperation(t));
      const abandoned = await begin(current());
      await store.abandon(abandoned.tokenHash, abandoned.session, sampleOperation(t));
      const open = await begin(current());
      const rows = [
        ...[ended, abandoned].map((each) => rowOf(each, t)),
        { ...rowOf(open, t), userId: newUserId() },
        sampleLogout(t, { userId: open.session.userId }),
      ];
      expect(await store.endAgain(rows, t)).toEqual([]);
      expect(await store.endAgain([], t)).toEqual([]);
      expect(await store.check(open.credential, t)).toMatchObject({ status: 'valid' });
      expect(await store.check(ended.credential, t)).toMatchObject({ tombstone: { reason: 'logout' } });
      expect(await pendingLogouts(current())).toMatchObject([{ reason: 'logout' }, { reason: 'abandoned' }]);
    });

    test('leaves alone what has expired', async () => {
      const { store, nowMs } = current();
      const short = await begin(current(), { idleAgeSeconds: 60 });
      const atMs = nowMs() + 60_000;
      expect(await store.endAgain([rowOf(short, nowMs())], atMs)).toEqual([]);
      expect(await store.check(short.credential, atMs)).toMatchObject({ reason: 'expired' });
    });
  });
}
