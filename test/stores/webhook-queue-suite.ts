import { beforeEach, describe, expect, test } from 'vitest';
import {
  EXPIRED_PER_RUN,
  FORGET_AFTER_MS,
  KEEP_MS,
  type Cursors,
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
/** Up to which entries are read. */
const TIME = String(T - 1);
const MINUTE_MS = 60_000;
/** Most events of a queue, for the test that fills one. */
const MAX = 10;
const [A, B] = [sampleReceiver({ name: 'a' }), sampleReceiver({ name: 'b' })];

/** What every `WebhookQueue` does. `open` gives each test an empty one, with room for so many events. */
export function describeWebhookQueue(
  name: string,
  open: (queueMax?: number) => Promise<WebhookQueueUnderTest>,
): void {
  let under: WebhookQueueUnderTest;
  const idsIn = async (receiver: string): Promise<(string | undefined)[]> =>
    (await under.queue.read(receiver, null, String(T), 10_000)).map(({ activity }) => activity?.id);

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
      expect(await under.queue.read('a', null, TIME, 10)).toEqual(entries);
      expect(await under.queue.read('a', null, TIME, 2)).toEqual(entries.slice(0, 2));
      expect(await under.queue.read('a', entryIds[0]!, TIME, 10)).toEqual(entries.slice(1));
      expect(await under.queue.read('a', entryIds[0]!, entryIds[1]!, 10)).toEqual([entries[1]]);
      expect(await under.queue.read('b', null, TIME, 10)).toHaveLength(1);
      expect(await under.queue.read('c', null, TIME, 10)).toEqual([]);
    });

    test('gives back only what was added by then', async () => {
      const old = sampleLogout(T);
      await under.put('a', old, T - 1);
      await under.put('a', sampleLogout(T), T);
      expect(await under.queue.read('a', null, TIME, 10)).toMatchObject([{ activity: old }]);
    });

    test('gives back what it can’t read as such', async () => {
      const entryId = await under.put('a', '{"v":99}', T - 1);
      expect(await under.queue.read('a', null, TIME, 10)).toEqual([{ entryId, activity: null }]);
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
        const backOff = await under.queue.fail('a', { reason: 'http_500', count: 1 }, nowMs);
        const backingOff = backOff?.untilMs ?? null;
        untilMs.push(backingOff === null ? null : (backingOff - nowMs) / MINUTE_MS);
        expect(await under.queue.backingOffUntilMs('a')).toBe(backingOff ?? (i < 10 ? 0 : nowMs));
        nowMs = backingOff ?? nowMs;
      }
      const waits = [2, 4, 8, 16, 32, 32].flatMap((minutes) => [null, null, minutes]);
      expect(untilMs).toEqual([...Array<null>(9).fill(null), 1, ...waits]);
    });

    test('counts several failures at once, but no more than a round takes', async () => {
      const fail = (count: number, nowMs: number) =>
        under.queue.fail('a', { reason: 'timeout', count }, nowMs);
      expect(await fail(4, T)).toBeNull();
      expect(await fail(40, T)).toEqual({ untilMs: T + MINUTE_MS, isNew: true });
      expect(await fail(40, T + 1)).toEqual({ untilMs: T + MINUTE_MS, isNew: false });
      expect(await fail(40, T + MINUTE_MS)).toEqual({ untilMs: T + 3 * MINUTE_MS, isNew: true });
    });

    test('notes a failure without counting it', async () => {
      await under.queue.fail('a', { reason: 'http_500', count: 9 }, T);
      expect(await under.queue.fail('a', { reason: 'http_500', count: 0 }, T)).toBeNull();
      expect(await under.queue.fail('a', { reason: 'http_500', count: 1 }, T)).toMatchObject({ isNew: true });
    });

    test('remembers how far the cron is, each cursor by itself', async () => {
      const fail = (cursors: Partial<Cursors>) =>
        under.queue.fail('a', { reason: 'http_500', count: 10, cursors }, T);
      const cursors = async () => (await under.queue.tidy([A], T)).queues;
      expect(await cursors()).toMatchObject([{ tried: null, retried: null }]);
      await fail({ tried: '5-1' });
      await fail({ retried: '3-1' });
      await fail({});
      expect(await cursors()).toMatchObject([{ tried: '5-1', retried: '3-1' }]);
    });

    test('a success ends the backing off, of that receiver alone', async () => {
      for (const receiver of ['a', 'b'])
        await under.queue.fail(receiver, { reason: 'http_500', count: 10 }, T);
      await under.queue.accept('a', [], T);
      expect(await under.queue.backingOffUntilMs('a')).toBe(0);
      expect(await under.queue.fail('a', { reason: 'http_500', count: 9 }, T)).toBeNull();
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
        const nothing = { dropped: 0, expired: 0, tried: null, retried: null };
        await under.queue.fail('b', { reason: 'timeout', count: 10 }, T);
        expect(await under.queue.tidy([A, B], T)).toEqual({
          queues: [
            { receiver: 'a', ...nothing, backingOffUntilMs: 0 },
            { receiver: 'b', ...nothing, backingOffUntilMs: T + MINUTE_MS },
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

      test('drops the oldest of what is too much, and reports it once', async () => {
        under = await open(MAX);
        const last = sampleLogout(T);
        await under.fill('a', MAX + 1, T - 1);
        await under.put('a', last, T);
        expect((await under.queue.tidy([A], T)).queues).toMatchObject([{ dropped: 2 }]);
        expect((await under.queue.tidy([A], T)).queues).toMatchObject([{ dropped: 0 }]);
        const ids = await idsIn('a');
        expect(ids).toHaveLength(MAX);
        expect(ids.at(-1)).toBe(last.id);
      });

      test('deletes the queue of a receiver that is gone for an hour', async () => {
        await under.put('a', sampleLogout(T), T);
        await under.put('b', sampleLogout(T), T);
        await under.queue.fail('b', { reason: 'timeout', count: 10 }, T);
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
