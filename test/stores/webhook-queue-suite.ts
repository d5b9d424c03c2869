import { beforeEach, describe, expect, test } from 'vitest';
import {
  EXPIRED_PER_RUN,
  FORGET_AFTER_MS,
  KEEP_MS,
  QUEUE_MAX,
  type WebhookQueue,
} from '../../src/activity/webhook-queue.ts';
import type { Activity } from '../../src/activity/events.ts';
import { sampleLogin, sampleLogout, sampleReceiver } from '../fakes/samples.ts';

/** One implementation, empty. */
export interface WebhookQueueUnderTest {
  readonly queue: WebhookQueue;
  /** Adds an event as the scripts do, or a text that no version of this service wrote. Returns its id. */
  readonly put: (receiver: string, activity: Activity | string, atMs: number) => Promise<string>;
  /** Adds so many texts at once. */
  readonly fill: (receiver: string, count: number, atMs: number) => Promise<void>;
  /** What was set aside: the event's id and why. */
  readonly aside: (receiver: string) => Promise<string[]>;
}

const T = Date.UTC(2026, 10, 23, 12);
const MINUTE_MS = 60_000;
const [A, B] = [sampleReceiver({ name: 'a' }), sampleReceiver({ name: 'b' })];

/** What every `WebhookQueue` does. `open` gives each test an empty one. */
export function describeWebhookQueue(name: string, open: () => Promise<WebhookQueueUnderTest>): void {
  let under: WebhookQueueUnderTest;
  const idsIn = async (receiver: string): Promise<(string | undefined)[]> =>
    (await under.queue.read(receiver, T + 1, 2 * QUEUE_MAX, null)).map(({ activity }) => activity?.id);

  describe(name, () => {
    beforeEach(async () => {
      under = await open();
    });

    test('gives back what was put in, oldest first, in steps, each receiver its own', async () => {
      const events = [sampleLogout(T), sampleLogin(T), sampleLogout(T)];
      const entryIds: string[] = [];
      for (const event of events) entryIds.push(await under.put('a', event, T - 1));
      await under.put('b', sampleLogout(T), T - 1);
      const entries = events.map((activity, i) => ({ entryId: entryIds[i], activity }));
      expect(await under.queue.read('a', T, 10, null)).toEqual(entries);
      expect(await under.queue.read('a', T, 2, null)).toEqual(entries.slice(0, 2));
      expect(await under.queue.read('a', T, 10, entryIds[0]!)).toEqual(entries.slice(1));
      expect(await under.queue.read('b', T, 10, null)).toHaveLength(1);
      expect(await under.queue.read('c', T, 10, null)).toEqual([]);
    });

    test('gives back only what was added before', async () => {
      const old = sampleLogout(T);
      await under.put('a', old, T - 1);
      await under.put('a', sampleLogout(T), T);
      expect(await under.queue.read('a', T, 10, null)).toMatchObject([{ activity: old }]);
    });

    test('gives back what it can’t read as such', async () => {
      const entryId = await under.put('a', '{"v":99}', T - 1);
      expect(await under.queue.read('a', T, 10, null)).toEqual([{ entryId, activity: null }]);
    });

    test('forgets what was accepted, once and twice', async () => {
      const [first, second] = [sampleLogout(T), sampleLogout(T)];
      const entryId = await under.put('a', first, T);
      await under.put('a', second, T);
      await under.queue.accept('a', [entryId], T);
      await under.queue.accept('a', [entryId], T);
      await under.queue.accept('a', [], T);
      expect(await idsIn('a')).toEqual([second.id]);
    });

    test('backs off after ten failures in a row, then after three each time, for twice as long', async () => {
      const untilMs: (number | null)[] = [];
      let nowMs = T;
      for (let i = 0; i < 10 + 6 * 3; i += 1) {
        const backingOff = await under.queue.fail('a', 'http_500', 1, nowMs);
        untilMs.push(backingOff === null ? null : (backingOff - nowMs) / MINUTE_MS);
        expect(await under.queue.backingOffUntilMs('a')).toBe(backingOff ?? (i < 10 ? 0 : nowMs));
        nowMs = backingOff ?? nowMs;
      }
      const waits = [2, 4, 8, 16, 32, 32].flatMap((minutes) => [null, null, minutes]);
      expect(untilMs).toEqual([...Array<null>(9).fill(null), 1, ...waits]);
    });

    test('counts several failures at once, but no more than a round takes', async () => {
      expect(await under.queue.fail('a', 'timeout', 4, T)).toBeNull();
      expect(await under.queue.fail('a', 'timeout', 40, T)).toBe(T + MINUTE_MS);
      expect(await under.queue.fail('a', 'timeout', 40, T + 1)).toBe(T + MINUTE_MS);
      expect(await under.queue.fail('a', 'timeout', 40, T + MINUTE_MS)).toBe(T + 3 * MINUTE_MS);
    });

    test('a success ends the backing off, of that receiver alone', async () => {
      for (const receiver of ['a', 'b']) await under.queue.fail(receiver, 'http_500', 10, T);
      await under.queue.accept('a', [], T);
      expect(await under.queue.backingOffUntilMs('a')).toBe(0);
      expect(await under.queue.fail('a', 'http_500', 9, T)).toBeNull();
      expect(await under.queue.backingOffUntilMs('b')).toBe(T + MINUTE_MS);
    });

    test('sets an event aside, once', async () => {
      const [first, second] = [sampleLogout(T), sampleLogout(T)];
      const entryId = await under.put('a', first, T);
      await under.put('a', second, T);
      await under.queue.setAside('a', entryId, 'invalid_key', T);
      await under.queue.setAside('a', entryId, 'invalid_key', T);
      expect(await idsIn('a')).toEqual([second.id]);
      expect(await under.aside('a')).toEqual([`${first.id} invalid_key`]);
    });

    describe('tidied,', () => {
      test('says how each queue is', async () => {
        await under.queue.fail('b', 'timeout', 10, T);
        expect(await under.queue.tidy([A, B], T)).toEqual({
          queues: [
            { receiver: 'a', dropped: 0, expired: 0, backingOffUntilMs: 0 },
            { receiver: 'b', dropped: 0, expired: 0, backingOffUntilMs: T + MINUTE_MS },
          ],
          gone: [],
        });
        expect(await under.queue.tidy([], T)).toEqual({ queues: [], gone: [] });
      });

      test('sets aside what is older than seven days, so many at once', async () => {
        const [old, young] = [sampleLogout(T), sampleLogout(T)];
        await under.put('a', old, T - KEEP_MS - 1);
        await under.fill('a', EXPIRED_PER_RUN, T - KEEP_MS - 1);
        await under.put('a', young, T - KEEP_MS);
        expect((await under.queue.tidy([A], T)).queues).toMatchObject([{ expired: EXPIRED_PER_RUN }]);
        expect((await under.queue.tidy([A], T)).queues).toMatchObject([{ expired: 1 }]);
        expect((await under.queue.tidy([A], T)).queues).toMatchObject([{ expired: 0 }]);
        expect(await idsIn('a')).toEqual([young.id]);
        expect((await under.aside('a'))[0]).toBe(`${old.id} expired`);
      });

      test('drops the oldest of what is too much', { timeout: 60_000 }, async () => {
        const last = sampleLogout(T);
        await under.fill('a', QUEUE_MAX + 1, T - 1);
        await under.put('a', last, T);
        expect((await under.queue.tidy([A], T)).queues).toMatchObject([{ dropped: 2 }]);
        const ids = await idsIn('a');
        expect(ids).toHaveLength(QUEUE_MAX);
        expect(ids.at(-1)).toBe(last.id);
      });

      test('deletes the queue of a receiver that is gone for an hour', async () => {
        await under.put('a', sampleLogout(T), T);
        await under.put('b', sampleLogout(T), T);
        await under.queue.fail('b', 'timeout', 10, T);
        await under.queue.tidy([A, B], T);
        const almostMs = T + FORGET_AFTER_MS - 1;
        expect((await under.queue.tidy([A], almostMs)).gone).toEqual([]);
        expect((await under.queue.tidy([A], almostMs + 1)).gone).toEqual([{ receiver: 'b', dropped: 1 }]);
        expect((await under.queue.tidy([A], almostMs + 2)).gone).toEqual([]);
        expect(await idsIn('b')).toEqual([]);
        expect(await under.queue.backingOffUntilMs('b')).toBe(0);
        expect(await idsIn('a')).toHaveLength(1);
      });

      test('keeps the queue of a receiver that another release still has', async () => {
        await under.put('b', sampleLogout(T), T);
        for (let minute = 0; minute <= 120; minute += 30) {
          await under.queue.tidy([B], T + minute * MINUTE_MS);
          expect((await under.queue.tidy([A], T + minute * MINUTE_MS)).gone).toEqual([]);
        }
        expect(await idsIn('b')).toHaveLength(1);
      });
    });
  });
}
