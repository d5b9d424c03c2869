import { describe, expect, test } from 'vitest';
import {
  newTokenHash,
  newUserId,
  sampleOperation,
  sampleSession,
  sampleStart,
  offer,
} from '../../fakes/samples.ts';
import {
  begin,
  expectInOutbox,
  pendingActivities,
  pendingLogouts,
  reasonsOf,
  type Current,
} from './under-test.ts';

export function describeAbandon(current: Current): void {
  describe('abandon', () => {
    test('ends a session that has begun, with a log-out, as its sign-in is recorded', async () => {
      const { store, nowMs } = current();
      const userId = newUserId();
      const { tokenHash, session, credential } = await begin(current(), { userId });
      const logouts = await store.abandon(tokenHash, session, sampleOperation(nowMs()));
      expect(await store.check(credential, nowMs())).toEqual({ status: 'invalid', reason: 'unknown' });
      expect(reasonsOf(logouts)).toEqual([[session.id, 'abandoned']]);
      await expectInOutbox(current(), logouts);
      const next = await begin(current(), { userId });
      expect(await store.list(next.credential, nowMs())).toMatchObject({
        sessions: [{ id: next.session.id }],
      });
    });

    test('keeps a start that is still under way from beginning', async () => {
      const { store, nowMs } = current();
      const session = sampleSession(nowMs());
      const tokenHash = newTokenHash();
      await store.abandon(tokenHash, session, sampleOperation(nowMs()));
      await expect(store.start(sampleStart(session, tokenHash))).resolves.toEqual({ status: 'superseded' });
      expect(await store.check(offer(tokenHash, 'cookie'), nowMs())).toEqual({
        status: 'invalid',
        reason: 'unknown',
      });
      expect(await pendingActivities(current())).toEqual([]);
    });

    test('refuses that start with all that it would have ended', async () => {
      const { store, nowMs } = current();
      const old = await begin(current());
      const session = sampleSession(nowMs(), { userId: old.session.userId });
      const tokenHash = newTokenHash();
      await store.abandon(tokenHash, session, sampleOperation(nowMs()));
      const request = sampleStart(session, tokenHash, { replaces: [old.tokenHash], maxSessionsPerUser: 1 });
      await expect(store.start(request)).resolves.toEqual({ status: 'superseded' });
      expect(await store.check(old.credential, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('may be repeated', async () => {
      const { store, nowMs } = current();
      const { tokenHash, session, credential } = await begin(current());
      await store.abandon(tokenHash, session, sampleOperation(nowMs()));
      expect(await store.abandon(tokenHash, session, sampleOperation(nowMs()))).toEqual([]);
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'unknown' });
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('leaves a tombstone as it is', async () => {
      const { store, nowMs } = current();
      const { tokenHash, session, credential } = await begin(current());
      await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()));
      await store.abandon(tokenHash, session, sampleOperation(nowMs()));
      expect(await store.check(credential, nowMs())).toMatchObject({ tombstone: { reason: 'logout' } });
    });

    test('does not touch another session under that token', async () => {
      const { store, nowMs } = current();
      const { tokenHash, credential } = await begin(current());
      await store.abandon(tokenHash, sampleSession(nowMs()), sampleOperation(nowMs()));
      expect(await store.check(credential, nowMs())).toMatchObject({ status: 'valid' });
    });

    test('an abandoned session cannot be ended, revoked from, listed or renewed', async () => {
      const { store, nowMs } = current();
      const { tokenHash, session, credential } = await begin(current());
      await store.abandon(tokenHash, session, sampleOperation(nowMs()));
      const unknown = { status: 'invalid', reason: 'unknown' };
      expect(await store.end([tokenHash], 'cookie', 'logout', sampleOperation(nowMs()))).toEqual([]);
      expect(await store.revoke(credential, 'all', sampleOperation(nowMs()))).toEqual(unknown);
      expect(await store.list(credential, nowMs())).toEqual(unknown);
      const renewed = await store.renew(credential, newTokenHash(), session, sampleOperation(nowMs()));
      expect(renewed).toEqual({ ...unknown, logouts: [] });
    });
  });
}
