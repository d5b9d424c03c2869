import { describe, expect, test } from 'vitest';
import {
  newTokenHash,
  newUserId,
  NO_USER,
  sampleOperation,
  sampleSession,
  sampleStart,
  offer,
} from '../../fakes/samples.ts';
import { begin, pendingLogouts, type Current } from './under-test.ts';

const COUNT = 50;
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

export function describeRaces(current: Current): void {
  describe('at the same time', () => {
    test('fifty ends of one session give exactly one log-out', async () => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current());
      const results = await Promise.all(
        times(COUNT, () => store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()))),
      );
      const logouts = results.flat();
      expect(logouts).toHaveLength(1);
      expect(await pendingLogouts(current())).toEqual([logouts[0]!.activity]);
    });

    test('one operation sent fifty times gets the same result fifty times', async () => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current());
      const operation = sampleOperation(nowMs());
      const results = await Promise.all(
        times(COUNT, () => store.end([tokenHash], 'cookie', 'logout', operation)),
      );
      expect(results).toEqual(times(COUNT, () => results[0]));
      expect(results[0]).toHaveLength(1);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('an end and the refreshes around it leave no session', async () => {
      const { store, nowMs } = current();
      const { tokenHash, session, credential } = await begin(current());
      const refreshes = times(
        COUNT,
        (i) => () => store.refresh(tokenHash, { ...session, lastSeenAtMs: session.lastSeenAtMs + 1 + i }),
      );
      const end = () => store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      const work: (() => Promise<unknown>)[] = refreshes.toSpliced(COUNT / 2, 0, end as never);
      await Promise.all(work.map((each) => each()));
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'ended' });
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('starts never exceed the limit, and each session beyond it is one log-out', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const begun = await Promise.all(
        times(20, () => begin(current(), { userId }, { maxSessionsPerUser: 4 })),
      );
      const checks = await Promise.all(begun.map(({ credential }) => store.check(credential, nowMs())));
      const open = begun.filter((_, i) => checks[i]!.status === 'valid').map(({ session }) => session.id);
      const ended = (await pendingLogouts(current())).map(({ sessionId }) => sessionId);
      expect(open).toHaveLength(4);
      expect([...open, ...ended].sort()).toEqual(begun.map(({ session }) => session.id).sort());
    });

    test('a start and its abandonment leave no session, whichever comes first', async () => {
      const { store, nowMs } = current();
      const pairs = times(20, () => ({ session: sampleSession(nowMs()), tokenHash: newTokenHash() }));
      await Promise.all(
        pairs.flatMap(({ session, tokenHash }, i) => {
          const start = () => store.start(sampleStart(session, tokenHash)).catch(() => null);
          const abandon = () => store.abandon(tokenHash, session, sampleOperation(nowMs()));
          return (i % 2 === 0 ? [start, abandon] : [abandon, start]).map((work) => work());
        }),
      );
      for (const { tokenHash } of pairs)
        expect(await store.check(offer(tokenHash, 'cookie'), nowMs())).toMatchObject({
          reason: 'unknown',
        });
    });

    test('of two renewals of one session, one gets the token and the other is invalid', async () => {
      const { store, nowMs } = current();
      const { credential } = await begin(current());
      const hashes = [newTokenHash(), newTokenHash()];
      const results = await Promise.all(
        hashes.map((hash) => store.renew(credential, hash, NO_USER, sampleOperation(nowMs()))),
      );
      expect(results.map(({ status }) => status).sort()).toEqual(['invalid', 'renewed']);
      const checks = await Promise.all(
        hashes.map((tokenHash) => store.check(offer(tokenHash, 'cookie'), nowMs())),
      );
      expect(checks.map(({ status }) => status).sort()).toEqual(['invalid', 'valid']);
    });

    test('of two sessions that end each other, exactly one stays open', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const both = [await begin(current(), { userId }), await begin(current(), { userId })];
      await Promise.all(
        both.map(({ credential }) => store.revoke(credential, 'others', sampleOperation(nowMs()))),
      );
      const checks = await Promise.all(both.map(({ credential }) => store.check(credential, nowMs())));
      expect(checks.filter(({ status }) => status === 'valid')).toHaveLength(1);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });
  });
}
