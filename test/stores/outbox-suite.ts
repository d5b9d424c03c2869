import { beforeEach, describe, expect, test } from 'vitest';
import { LOGIN_OUTCOMES, type Activity } from '../../src/activity/events.ts';
import { ATTEMPTS_MAX, type Outbox, type OutboxEntry } from '../../src/activity/outbox.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';

/** One implementation, empty. */
export interface OutboxUnderTest {
  readonly outbox: Outbox;
  /** Adds a text that no version of this service wrote. */
  readonly putText: (text: string) => Promise<string>;
  /** Adds so many failed attempts. */
  readonly addAttempts: (count: number) => Promise<void>;
  /** What was set aside, oldest first. */
  readonly aside: () => Promise<{ text: string; reason: string; atMs: number }[]>;
}

const EMPTY = { pending: 0, setAside: 0, unrecorded: 0, droppedAttempts: 0, oldestAtMs: null };
const FAILURES = LOGIN_OUTCOMES.filter((outcome) => outcome !== 'success');

/** What every `Outbox` does. `open` gives each test an empty one. */
export function describeOutbox(name: string, open: () => Promise<OutboxUnderTest>): void {
  let under: OutboxUnderTest;
  const addAll = async (activities: readonly Activity[]): Promise<OutboxEntry[]> => {
    const entries: OutboxEntry[] = [];
    for (const activity of activities) entries.push(await under.outbox.add(activity));
    return entries;
  };

  describe(name, () => {
    beforeEach(async () => {
      under = await open();
    });

    test('is empty at first', async () => {
      expect(await under.outbox.readOldest(10)).toEqual([]);
      expect(await under.outbox.status()).toEqual(EMPTY);
    });

    test('returns entries in the order added, at most as many as asked for', async () => {
      const t = Date.now();
      // Whatever the times of the events.
      const entries = await addAll([sampleLogout(t), sampleLogin(t - 5000), sampleLogout(t - 9000)]);
      expect(await under.outbox.readOldest(10)).toEqual(entries);
      expect(await under.outbox.readOldest(2)).toEqual(entries.slice(0, 2));
    });

    test('returns what comes after an entry, also after one that is gone', async () => {
      const entries = await addAll([1, 2, 3, 4].map(() => sampleLogout(Date.now())));
      const [first, second] = entries;
      expect(await under.outbox.readOldest(2, first!.entryId)).toEqual(entries.slice(1, 3));
      await under.outbox.remove([second!.entryId]);
      expect(await under.outbox.readOldest(10, second!.entryId)).toEqual(entries.slice(2));
      expect(await under.outbox.readOldest(10, entries.at(-1)!.entryId)).toEqual([]);
    });

    test('reading removes nothing', async () => {
      const entries = await addAll([sampleLogout(Date.now())]);
      await under.outbox.readOldest(10);
      expect(await under.outbox.readOldest(10)).toEqual(entries);
    });

    test.each([
      {
        name: 'a login without a user',
        make: (t: number) => sampleLogin(t, { userId: null, sessionId: null, outcome: 'bad_credentials' }),
      },
      {
        name: 'an unknown client',
        make: (t: number) => sampleLogout(t, { client: { ipAddress: null, userAgent: null, country: null } }),
      },
      {
        name: 'any text',
        make: (t: number) =>
          sampleLogin(t, {
            username: `O'Brien "\\x" \0\n\u2028 😀 é`,
            outcome: 'throttled',
            sessionId: null,
          }),
      },
      {
        name: 'the greatest user id',
        make: (t: number) => sampleLogout(t, { userId: '18446744073709551615' as never }),
      },
    ])('keeps $name unchanged', async ({ make }) => {
      const [entry] = await addAll([make(Date.now())]);
      expect(await under.outbox.readOldest(1)).toEqual([entry]);
    });

    test('removes the given entries only; twice is no error', async () => {
      const [first, second, third] = await addAll([1, 2, 3].map(() => sampleLogout(Date.now())));
      await under.outbox.remove([first!.entryId, third!.entryId]);
      await under.outbox.remove([first!.entryId]);
      await under.outbox.remove([]);
      expect(await under.outbox.readOldest(10)).toEqual([second]);
    });

    test('sets one entry aside with the reason and keeps the others', async () => {
      const [first, second] = await addAll([sampleLogout(Date.now()), sampleLogout(Date.now())]);
      await under.outbox.setAside(first!.entryId, 'mysql errno 1406', 1_700_000_000_123);
      expect(await under.outbox.readOldest(10)).toEqual([second]);
      const [aside] = await under.aside();
      expect(aside).toMatchObject({ reason: 'mysql errno 1406', atMs: 1_700_000_000_123 });
      expect(aside!.text).toContain(first!.activity!.id);
      expect(await under.outbox.status()).toMatchObject({ pending: 1, setAside: 1 });
    });

    test('sets no removed entry aside, and none twice', async () => {
      const [first, second] = await addAll([sampleLogout(Date.now()), sampleLogout(Date.now())]);
      await under.outbox.remove([first!.entryId]);
      await under.outbox.setAside(first!.entryId, 'late', 1);
      await under.outbox.setAside(second!.entryId, 'once', 2);
      await under.outbox.setAside(second!.entryId, 'twice', 3);
      expect(await under.aside()).toMatchObject([{ reason: 'once' }]);
      expect(await under.outbox.status()).toEqual({ ...EMPTY, setAside: 1 });
    });

    test.each([
      '',
      'garbage',
      '{}',
      '[]',
      'null',
      '{"v":1,"type":"logout"}',
      '{"v":2,"type":"other","id":"x"}',
    ])('reads %j as no event, and can set it aside unchanged', async (text) => {
      const entryId = await under.putText(text);
      expect(await under.outbox.readOldest(10)).toEqual([{ entryId, activity: null }]);
      await under.outbox.setAside(entryId, 'unreadable event', 5);
      expect(await under.aside()).toEqual([{ text, reason: 'unreadable event', atMs: 5 }]);
    });

    describe('failed attempts', () => {
      const attempt = (i: number) =>
        sampleLogin(Date.now(), { outcome: FAILURES[i % FAILURES.length]!, sessionId: null });

      test('come after all other events, each kind in the order added', async () => {
        const [bad, logout, inactive, login] = await addAll([
          attempt(0),
          sampleLogout(Date.now()),
          attempt(1),
          sampleLogin(Date.now()),
        ]);
        const all = [logout, login, bad, inactive];
        expect(await under.outbox.readOldest(10)).toEqual(all);
        expect(await under.outbox.readOldest(3)).toEqual(all.slice(0, 3));
        for (const [i, entry] of all.entries())
          expect(await under.outbox.readOldest(10, entry!.entryId)).toEqual(all.slice(i + 1));
        expect(await under.outbox.status()).toMatchObject({ pending: 4, droppedAttempts: 0 });
      });

      test('are removed and set aside like other events, and none of these instead', async () => {
        const entries = await addAll([0, 1, 2].flatMap((i) => [attempt(i), sampleLogout(Date.now())]));
        const [first, , second, , third, logout] = entries;
        await under.outbox.remove([first!.entryId, logout!.entryId]);
        await under.outbox.setAside(second!.entryId, 'mysql errno 1406', 7);
        expect(await under.outbox.readOldest(10)).toEqual([entries[1], entries[3], third]);
        expect(await under.aside()).toMatchObject([{ reason: 'mysql errno 1406' }]);
        expect((await under.aside())[0]!.text).toContain(second!.activity!.id);
      });

      test('are as many as the outbox holds: the oldest make room, and are counted', async () => {
        const [logout, first] = await addAll([sampleLogout(Date.now()), attempt(0)]);
        await under.addAttempts(ATTEMPTS_MAX - 1);
        expect(await under.outbox.status()).toMatchObject({
          pending: ATTEMPTS_MAX + 1,
          droppedAttempts: 0,
        });
        await addAll([attempt(1), attempt(2), attempt(0)]);
        expect(await under.outbox.status()).toMatchObject({
          pending: ATTEMPTS_MAX + 1,
          droppedAttempts: 3,
        });
        const [kept, oldest] = await under.outbox.readOldest(2);
        expect(kept).toEqual(logout);
        expect(oldest).not.toEqual(first);
      });
    });

    test('reports how many are pending and since when', async () => {
      const [first] = await addAll([sampleLogout(0), sampleLogout(0)]);
      const { pending, setAside, oldestAtMs } = await under.outbox.status();
      expect([pending, setAside]).toEqual([2, 0]);
      // When it was added, not when it happened.
      expect(oldestAtMs).toBe(Number.parseInt(first!.entryId, 10));
      expect(oldestAtMs).toBeGreaterThan(1_600_000_000_000);
    });
  });
}
