import { describe, expect, test } from 'vitest';
import type { RecordedLogout } from '../../../src/session/session-store.ts';
import { endsAtMs, minuteOf } from '../../../src/session/rules.ts';
import { eventId } from '../../fakes/memory-session-store.ts';
import { newTokenHash, newUserId, sampleOperation } from '../../fakes/samples.ts';
import { begin, expectInOutbox, pendingLogouts, reasonsOf, type Current } from './under-test.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function describeEnds(current: Current): void {
  /** All minutes up to that time, as the cron goes through them. */
  async function endAll(nowMs: number, limit = 100): Promise<RecordedLogout[]> {
    const { ends } = current();
    const logouts: RecordedLogout[] = [];
    let minute: number | null = null;
    for (;;) {
      minute = await ends.findOldestMinute(nowMs, minute);
      if (minute === null) return logouts;
      let cursor: string | null = null;
      do {
        const part = await ends.readMinute(minute, cursor, limit);
        logouts.push(...(await ends.endExpired(minute, part.sessions, nowMs)));
        cursor = part.cursor;
      } while (cursor !== null);
    }
  }

  describe('ends', () => {
    test.each([
      ['expired_idle', { idleAgeSeconds: 600 }, 600_000],
      ['expired_absolute', { idleAgeSeconds: 600, expiresAfterMs: 600_000 }, 600_000],
      ['expired_absolute', { idleAgeSeconds: 700, expiresAfterMs: 90_000 }, 90_000],
    ] as const)('%s: the row says when it expired and who had signed in', async (reason, age, endMs) => {
      const { store, nowMs } = current();
      const t = nowMs();
      const { session, credential } = await begin(current(), {
        idleAgeSeconds: age.idleAgeSeconds,
        ...('expiresAfterMs' in age && { expiresAtMs: t + age.expiresAfterMs }),
      });
      expect(await endAll(t + endMs - 1)).toEqual([]);
      expect(await store.check(credential, t + endMs - 1)).toMatchObject({ status: 'valid' });
      const logouts = await endAll(t + endMs);
      expect(logouts.map(({ activity }) => activity)).toEqual([
        {
          type: 'logout',
          id: eventId(t + endMs, session.id),
          userId: session.userId,
          username: session.username,
          sessionId: session.id,
          reason,
          client: session.client,
          loggedOutAtMs: t + endMs,
        },
      ]);
      await expectInOutbox(current(), logouts);
      expect(await endAll(t + endMs + MINUTE_MS)).toEqual([]);
    });

    test('expired before the cron and after it, for two days', async () => {
      const { store, nowMs, advance } = current();
      const { credential, session } = await begin(current());
      const expired = { status: 'invalid', reason: 'expired' };
      const endMs = endsAtMs(session);
      expect(await store.check(credential, endMs)).toEqual(expired);
      await endAll(endMs);
      expect(await store.check(credential, endMs)).toEqual(expired);
      expect(await store.list(credential, endMs)).toEqual(expired);
      await advance(endMs - nowMs() + 2 * DAY_MS - MINUTE_MS);
      expect(await store.check(credential, nowMs())).toEqual(expired);
      await advance(MINUTE_MS);
      expect(await store.check(credential, nowMs())).toMatchObject({ reason: 'unknown' });
    });

    test('a refreshed session moves on and ends later, once', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const { tokenHash, session, credential } = await begin(current(), { idleAgeSeconds: 600 });
      let seen = session;
      for (const ms of [500_000, 1_000_000]) {
        seen = { ...session, lastSeenAtMs: t + ms };
        expect(await store.refresh(tokenHash, seen)).toBe(true);
        expect(await endAll(t + ms + 550_000)).toEqual([]);
      }
      expect(await store.check(credential, t + 1_599_999)).toMatchObject({ status: 'valid' });
      expect(reasonsOf(await endAll(t + 1_600_000))).toEqual([[session.id, 'expired_idle']]);
      expect(await pendingLogouts(current())).toHaveLength(1);
    });

    test('what was signed out, abandoned or renewed leaves no second row', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const ended = await begin(current());
      await store.end([ended.tokenHash], 'cookie', 'logout', sampleOperation(t));
      const abandoned = await begin(current());
      await store.abandon(abandoned.tokenHash, abandoned.session, sampleOperation(t));
      const renewed = await begin(current());
      await store.renew(renewed.credential, newTokenHash(), renewed.session, sampleOperation(t));
      const logouts = await endAll(endsAtMs(renewed.session));
      // Under its new token.
      expect(reasonsOf(logouts)).toEqual([[renewed.session.id, 'expired_idle']]);
      expect(await pendingLogouts(current())).toHaveLength(3);
    });

    test('a day later, with the sessions of many minutes, in small parts: each once', async () => {
      const { nowMs } = current();
      const begun = [];
      for (let i = 0; i < 30; i += 1)
        begun.push(await begin(current(), { userId: newUserId(), idleAgeSeconds: 60 + 37 * i }));
      const logouts = await endAll(nowMs() + DAY_MS, 3);
      expect(reasonsOf(logouts)).toEqual(
        begun.map(({ session }): [string, string] => [session.id, 'expired_idle']).sort(),
      );
      for (const { session } of begun) {
        const activity = logouts.find((each) => each.activity.sessionId === session.id)?.activity;
        expect(activity?.loggedOutAtMs).toBe(endsAtMs(session));
      }
      expect(await pendingLogouts(current())).toHaveLength(30);
    });

    test('the next minute is found although one before it has sessions left', async () => {
      const { ends, nowMs } = current();
      const first = minuteOf(nowMs()) + 10;
      for (const minutes of [0, 3]) {
        const expiresAtMs = (first + minutes) * MINUTE_MS + 30_000;
        await begin(current(), { userId: newUserId(), expiresAtMs, idleAgeSeconds: 7200 });
      }
      const now = (first + 5) * MINUTE_MS;
      expect(await ends.findOldestMinute(now)).toBe(first);
      expect(await ends.findOldestMinute(now, first)).toBe(first + 3);
      expect(await ends.findOldestMinute(now, first + 3)).toBeNull();
      expect(await ends.findOldestMinute(now)).toBe(first);
      expect(await ends.findOldestMinute((first + 2) * MINUTE_MS, first)).toBeNull();
    });

    test('two crons at once end each session once', async () => {
      const { nowMs } = current();
      for (let i = 0; i < 20; i += 1) await begin(current(), { idleAgeSeconds: 60 + 13 * i });
      const runs = await Promise.all([1, 2, 3].map(() => endAll(nowMs() + DAY_MS, 4)));
      const ids = runs.flat().map(({ activity }) => activity.sessionId);
      expect(new Set(ids).size).toBe(20);
      expect(ids).toHaveLength(20);
    });

    test('a session that begins in a minute that is done with is found all the same', async () => {
      const { ends, nowMs } = current();
      const t = nowMs();
      expect(await endAll(t + 10 * MINUTE_MS)).toEqual([]);
      const { session } = await begin(current(), { idleAgeSeconds: 60 });
      expect(await ends.findOldestMinute(t + 20 * MINUTE_MS)).toBe(minuteOf(t + 10 * MINUTE_MS));
      expect(reasonsOf(await endAll(t + 20 * MINUTE_MS))).toEqual([[session.id, 'expired_idle']]);
    });

    test('of the current minute only what has expired ends', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const startOfMinute = Math.ceil(t / MINUTE_MS) * MINUTE_MS + 10 * MINUTE_MS;
      const [early, late] = [
        await begin(current(), { expiresAtMs: startOfMinute + 1000 }),
        await begin(current(), { expiresAtMs: startOfMinute + 50_000 }),
      ];
      const logouts = await endAll(startOfMinute + 2000);
      expect(reasonsOf(logouts)).toEqual([[early.session.id, 'expired_absolute']]);
      expect(await store.check(late.credential, startOfMinute + 2000)).toMatchObject({ status: 'valid' });
      expect(reasonsOf(await endAll(startOfMinute + MINUTE_MS))).toEqual([
        [late.session.id, 'expired_absolute'],
      ]);
    });

    test('a refresh that races the cron: the session goes on or has ended, and never both', async () => {
      const { store, nowMs } = current();
      const t = nowMs();
      const begun = [];
      for (let i = 0; i < 20; i += 1) begun.push(await begin(current(), { idleAgeSeconds: 600 }));
      // A request just before the end, whose refresh arrives while the cron works.
      const refreshed = await Promise.all([
        endAll(t + 700_000, 5),
        ...begun.map(async ({ tokenHash, session }) =>
          store.refresh(tokenHash, { ...session, lastSeenAtMs: t + 599_999 }),
        ),
      ]).then(([, ...each]) => each);
      const ended = await pendingLogouts(current());
      for (const [i, { session, credential }] of begun.entries()) {
        const isEnded = ended.some(({ sessionId }) => sessionId === session.id);
        expect(isEnded).toBe(!refreshed[i]);
        const { status } = await store.check(credential, t + 700_000);
        expect(status).toBe(isEnded ? 'invalid' : 'valid');
      }
      await endAll(t + 1_300_000);
      expect(await pendingLogouts(current())).toHaveLength(20);
    });
  });
}
