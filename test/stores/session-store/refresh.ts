import { describe, expect, test } from 'vitest';
import { newSessionId } from '../../../src/lib/ids.ts';
import { endsAtMs } from '../../../src/session/rules.ts';
import { newTokenHash, sampleOperation, sampleSession, offer } from '../../fakes/samples.ts';
import { begin, type Current } from './under-test.ts';

export function describeRefresh(current: Current): void {
  describe('refresh', () => {
    test('moves lastSeenAtMs, and with it the idle end', async () => {
      const { store } = current();
      const { credential, tokenHash, session } = await begin(current());
      const seen = { ...session, lastSeenAtMs: session.lastSeenAtMs + 3_600_000 };
      expect(await store.refresh(tokenHash, seen)).toBe(true);
      const later = endsAtMs(session);
      expect(await store.check(credential, later)).toMatchObject({ status: 'valid', session: seen });
      expect(await store.check(credential, endsAtMs(seen))).toMatchObject({ reason: 'expired' });
    });

    test('keeps the session in the store beyond its first idle end', async () => {
      const { store, nowMs, advance } = current();
      const { credential, tokenHash, session } = await begin(current());
      const hourMs = 3_600_000;
      await store.refresh(tokenHash, { ...session, lastSeenAtMs: session.lastSeenAtMs + hourMs });
      await advance(session.idleAgeSeconds * 1000 + hourMs / 2);
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('never moves the absolute end', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const { credential, tokenHash, session } = await begin(current(), {
        createdAtMs: t,
        expiresAtMs: t + 7_300_000,
      });
      await store.refresh(tokenHash, { ...session, lastSeenAtMs: t + 7_000_000 });
      expect(await store.check(credential, t + 7_299_999)).toMatchObject({ status: 'valid' });
      expect(await store.check(credential, t + 7_300_000)).toMatchObject({ reason: 'expired' });
    });

    test('makes no session where there is none', async () => {
      const { store, nowMs } = current();
      const tokenHash = newTokenHash();
      expect(await store.refresh(tokenHash, sampleSession(nowMs()))).toBe(false);
      expect(await store.check(offer(tokenHash, 'cookie'), nowMs())).toMatchObject({ reason: 'unknown' });
    });

    test('does not revive a session that was ended', async () => {
      const { store, nowMs, advance } = current();
      const { credential, tokenHash, session } = await begin(current());
      await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      const late = { ...session, lastSeenAtMs: session.lastSeenAtMs + 1000 };
      expect(await store.refresh(tokenHash, late)).toBe(false);
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'ended' });
      // Nor once its tombstone is gone.
      await advance(session.expiresAtMs - nowMs() + 60_000);
      expect(await store.refresh(tokenHash, late)).toBe(false);
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'unknown' });
    });

    test('does not revive one that expired, was abandoned or renewed', async () => {
      const { store, nowMs, advance } = current();
      const expired = await begin(current());
      await advance(endsAtMs(expired.session) - expired.session.createdAtMs);
      const abandoned = await begin(current());
      await store.abandon(abandoned.tokenHash, abandoned.session, sampleOperation(nowMs()));
      const renewed = await begin(current());
      await store.renew(renewed.credential, newTokenHash(), renewed.session, sampleOperation(nowMs()));
      for (const { tokenHash, session, credential } of [expired, abandoned, renewed]) {
        expect(await store.refresh(tokenHash, { ...session, lastSeenAtMs: nowMs() + 1 })).toBe(false);
        expect(await store.check(credential, nowMs())).toMatchObject({ status: 'invalid' });
      }
    });

    test('only moves forward: of two that cross, the later one stays', async () => {
      const { store, nowMs } = current();
      const { credential, tokenHash, session } = await begin(current());
      const seenAt = (ms: number) => ({ ...session, lastSeenAtMs: session.lastSeenAtMs + ms });
      expect(await store.refresh(tokenHash, seenAt(2000))).toBe(true);
      expect(await store.refresh(tokenHash, seenAt(1000))).toBe(false);
      expect(await store.refresh(tokenHash, seenAt(2000))).toBe(false);
      expect(await store.check(credential, nowMs())).toMatchObject({
        status: 'valid',
        session: seenAt(2000),
      });
    });

    test('does not write one session over another', async () => {
      const { store, nowMs } = current();
      const { credential, tokenHash, session } = await begin(current());
      const foreign = { ...session, id: newSessionId(), lastSeenAtMs: session.lastSeenAtMs + 1000 };
      expect(await store.refresh(tokenHash, foreign)).toBe(false);
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid', session });
    });
  });
}
