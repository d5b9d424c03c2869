import { describe, expect, test } from 'vitest';
import { endsAtMs } from '../../../src/session/rules.ts';
import { EXPIRED_KEPT_SECONDS } from '../../../src/session/session-store.ts';
import { newTokenHash, sampleOperation, offer } from '../../fakes/samples.ts';
import { begin, type Current } from './under-test.ts';

export function describeCheck(current: Current): void {
  describe('check', () => {
    test('returns the session as it was started', async () => {
      const { store, nowMs } = current();
      const { credential, session } = await begin(current());
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid', session });
    });

    test('finds nothing for a token that was never issued', async () => {
      const { store, nowMs } = current();
      await begin(current());
      const credential = offer(newTokenHash(), 'cookie');
      expect(await store.check(credential, nowMs())).toEqual({ status: 'invalid', reason: 'unknown' });
    });

    test.each([
      { kind: 'cookie', other: 'bearer' },
      { kind: 'bearer', other: 'cookie' },
    ] as const)('does not accept a $kind session as a $other', async ({ kind, other }) => {
      const { store, nowMs } = current();
      const { tokenHash } = await begin(current(), { kind });
      expect(await store.check(offer(tokenHash, other), nowMs())).toEqual({
        status: 'invalid',
        reason: 'unknown',
      });
      expect(await store.check(offer(tokenHash, kind), nowMs())).toMatchObject({ status: 'valid' });
    });

    test.each(['cookie', 'bearer'] as const)(
      'accepts the bare token of a %s session as either kind',
      async (kind) => {
        const { store, nowMs } = current();
        const { tokenHash, session } = await begin(current(), { kind });
        const credential = offer(tokenHash, 'either');
        expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid', session });
        expect(await store.list(credential, nowMs())).toMatchObject({ status: 'valid', session });
        expect(await store.end([tokenHash], 'either', 'revoked', sampleOperation(nowMs()))).toHaveLength(1);
      },
    );

    test.each([
      { name: 'idle', ageMs: 86_400_000, idleAgeSeconds: 7200, endsInMs: 7_200_000 },
      { name: 'absolute', ageMs: 3_600_000, idleAgeSeconds: 7200, endsInMs: 3_600_000 },
    ])('expires in the very millisecond of its $name end', async ({ ageMs, idleAgeSeconds, endsInMs }) => {
      const { store, nowMs } = current();
      const t = nowMs();
      const { credential } = await begin(current(), {
        expiresAtMs: t + ageMs,
        idleAgeSeconds,
        createdAtMs: t,
      });
      expect(await store.check(credential, t + endsInMs - 1)).toMatchObject({ status: 'valid' });
      expect(await store.check(credential, t + endsInMs)).toEqual({ status: 'invalid', reason: 'expired' });
    });

    test('forgets a session that expired two days ago', async () => {
      const { store, nowMs, advance } = current();
      const { credential, session } = await begin(current());
      await advance(endsAtMs(session) - session.createdAtMs);
      expect(await store.check(credential, nowMs())).toEqual({ status: 'invalid', reason: 'expired' });
      await advance(EXPIRED_KEPT_SECONDS * 1000);
      expect(await store.check(credential, nowMs())).toEqual({ status: 'invalid', reason: 'unknown' });
    });

    test('reports when, why and from where a session was ended, until its absolute end', async () => {
      const { store, nowMs, advance } = current();
      const { credential, session, tokenHash } = await begin(current());
      const operation = sampleOperation(nowMs());
      await store.end([tokenHash], 'cookie', 'revoked', operation);
      const ended = {
        status: 'invalid',
        reason: 'ended',
        tombstone: {
          sessionId: session.id,
          userId: session.userId,
          reason: 'revoked',
          endedAtMs: operation.nowMs,
          ipAddress: operation.client.ipAddress,
        },
      };
      expect(await store.check(credential, nowMs())).toEqual(ended);
      // After the idle end, and still before the absolute one.
      await advance(session.idleAgeSeconds * 1000 + 60_000);
      expect(await store.check(credential, nowMs())).toEqual(ended);
      await advance(session.expiresAtMs - nowMs() + 60_000);
      expect(await store.check(credential, nowMs())).toEqual({ status: 'invalid', reason: 'unknown' });
    });
  });
}
