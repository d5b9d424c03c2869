import { beforeEach, describe, expect, test } from 'vitest';
import { deliver, deliverPending, DELIVERY_BATCH_SIZE } from '../../../src/activity/delivery.ts';
import { encodeActivity } from '../../../src/activity/activity-encoding.ts';
import type { Activity, LoginOutcome, LogoutActivity, LogoutReason } from '../../../src/activity/events.ts';
import { storeUnavailable } from '../../../src/errors.ts';
import type { CapturedLog } from '../../fakes/captured-log.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import { openMemoryStores, type MemoryStores } from '../../fakes/memory-stores.ts';
import { STORE_UNAVAILABLE, type Outage } from '../../fakes/outage.ts';
import { sampleLogin, sampleLogout } from '../../fakes/samples.ts';
import { NO_LIMIT, shareOf } from '../../fakes/time-share.ts';

let stores: MemoryStores;
let outage: Outage;
let clock: ManualClock;
let log: CapturedLog;
beforeEach(() => {
  ({ stores, outage, clock, log } = openMemoryStores());
});

const now = (): number => clock.nowMs();
const putMany = (count: number, make = (i: number): Activity => sampleLogout(now() + i)): Activity[] =>
  Array.from({ length: count }, (_, i) => {
    const activity = make(i);
    stores.outbox.put(activity);
    return activity;
  });
const tooLong = (): LogoutActivity => sampleLogout(now(), { username: 'x'.repeat(151) });
const deliverAll = (hasTime = NO_LIMIT): Promise<number> =>
  deliverPending({ stores, log, nowMs: now() }, hasTime);

describe('deliverPending', () => {
  test('writes both kinds and empties the outbox', async () => {
    const [logout, login] = [...putMany(1), ...putMany(1, () => sampleLogin(now()))];
    expect(await deliverAll()).toBe(2);
    expect([...stores.activityLog.logouts.values()]).toEqual([logout]);
    expect([...stores.activityLog.logins.values()]).toEqual([login]);
    expect(await stores.outbox.status()).toMatchObject({ pending: 0, setAside: 0, oldestAtMs: null });
  });

  test('does not call MySQL for an empty outbox', async () => {
    expect(await deliverAll()).toBe(0);
    expect(outage.calls.database).toBe(0);
  });

  test('writes in order of arrival, a batch at a time', async () => {
    const written: string[][] = [];
    const writeLogouts = stores.activityLog.writeLogouts.bind(stores.activityLog);
    stores.activityLog.writeLogouts = (events) => {
      if (events.length > 0) written.push(events.map(({ id }) => id));
      return writeLogouts(events);
    };
    const count = 2 * DELIVERY_BATCH_SIZE + 50;
    const ids = putMany(count, (i) => sampleLogout(now() - i)).map(({ id }) => id);
    expect(await deliverAll()).toBe(count);
    expect(written.map((batch) => batch.length)).toEqual([DELIVERY_BATCH_SIZE, DELIVERY_BATCH_SIZE, 50]);
    expect(written.flat()).toEqual(ids);
  });

  test('begins no further batch when its time is over, and delivers the rest in the next run', async () => {
    const most = 3 * DELIVERY_BATCH_SIZE;
    putMany(most + 1);
    expect(await deliverAll(shareOf(3))).toBe(most);
    expect(await deliverAll()).toBe(1);
    expect(stores.activityLog.logouts.size).toBe(most + 1);
  });

  test.each([0, 1, 50, 98, 99])(
    'one refused event, number %i of 100: the other 99 are delivered',
    async (at) => {
      const bad = tooLong();
      const events = putMany(100, (i) => (i === at ? bad : sampleLogout(now())));
      expect(await deliverAll()).toBe(100);
      expect(stores.activityLog.logouts.size).toBe(99);
      expect(stores.outbox.aside).toMatchObject([{ reason: expect.any(String) as string, atMs: now() }]);
      expect(stores.outbox.aside[0]!.text).toContain(events[at]!.id);
      expect(log.of('activity_set_aside')).toMatchObject([{ activity_id: bad.id }]);
      expect(log.text()).not.toContain('xxx');
      expect(await stores.outbox.status()).toMatchObject({ pending: 0 });
    },
  );

  test('several refused events, logins among them, delay no other', async () => {
    putMany(100, (i) => {
      if (i % 10 === 3) return tooLong();
      return i % 2 === 0
        ? sampleLogout(now())
        : sampleLogin(now(), i === 51 ? { username: 'y'.repeat(151) } : {});
    });
    await deliverAll();
    expect(stores.outbox.aside).toHaveLength(11);
    expect(stores.activityLog.logouts.size + stores.activityLog.logins.size).toBe(89);
  });

  test('sets all aside if all are refused', async () => {
    putMany(7, tooLong);
    await deliverAll();
    expect(stores.outbox.aside).toHaveLength(7);
    expect(await stores.outbox.status()).toMatchObject({ pending: 0, setAside: 7 });
  });

  test('finds the refused one by halving, not one by one', async () => {
    putMany(100, (i) => (i === 40 ? tooLong() : sampleLogout(now())));
    await deliverAll();
    // Two statements for each of the seven halvings at most, and those around it.
    expect(outage.calls.database).toBeLessThan(20);
  });

  describe('an entry that this release cannot read', () => {
    const DAY_MS = 86_400_000;

    test.each([
      'garbage',
      '{}',
      '{"v":1,"type":"logout","id":"x"}',
      '{"v":2,"type":"logout","everything":"else"}',
      // A time that no column can hold.
      encodeActivity(sampleLogout(0)).replace(/"at":\d+/, '"at":9e15'),
    ])('%s waits for a day, then it is set aside; the others are delivered meanwhile', async (text) => {
      putMany(2);
      stores.outbox.putText(text);
      putMany(2);
      expect(await deliverAll()).toBe(4);
      expect(stores.outbox.pending).toMatchObject([{ activity: null }]);
      expect(log.of('activity_unreadable')).toEqual([{ count: 1 }]);
      clock.advance(DAY_MS - 1);
      putMany(1);
      expect(await deliverAll()).toBe(1);
      expect(stores.outbox.aside).toEqual([]);
      clock.advance(1);
      expect(await deliverAll()).toBe(1);
      expect(stores.outbox.aside).toMatchObject([{ text, reason: 'unreadable event' }]);
      expect(log.of('activity_set_aside')).toEqual([{ activity_id: null, reason: 'unreadable event' }]);
      expect(stores.activityLog.logouts.size).toBe(5);
    });

    test('blocks nothing behind it, were there batches of them', async () => {
      for (let i = 0; i < 3 * DELIVERY_BATCH_SIZE + 7; i += 1) stores.outbox.putText('{"v":2}');
      const [logout] = putMany(1);
      expect(await deliverAll()).toBe(1);
      expect([...stores.activityLog.logouts.values()]).toEqual([logout]);
      expect(stores.outbox.aside).toEqual([]);
    });

    test('asks no more of Redis than its time allows, however many there are', async () => {
      for (let i = 0; i <= 3 * DELIVERY_BATCH_SIZE; i += 1) stores.outbox.putText('{}');
      expect(await deliverAll(shareOf(3))).toBe(0);
      expect(outage.calls.redis).toBe(3);
      expect(outage.calls.database).toBe(0);
    });
  });

  test('words of a later release are written as they stand', async () => {
    const logout = sampleLogout(now(), { reason: 'because' as LogoutReason });
    const login = sampleLogin(now(), { outcome: 'second_factor' as LoginOutcome });
    stores.outbox.put(logout);
    stores.outbox.put(login);
    await deliverAll();
    expect([...stores.activityLog.logouts.values()]).toEqual([logout]);
    expect([...stores.activityLog.logins.values()]).toEqual([login]);
  });

  describe('an event that is refused without a known cause', () => {
    const HOUR_MS = 3_600_000;
    const refuse = (...events: Activity[]): void => {
      stores.activityLog.refuses = (event) => events.some(({ id }) => id === event.id);
    };
    /** The ids of what is pending. */
    const pending = () => stores.outbox.pending.map(({ activity }) => activity?.id);

    test.each([0, 1, 250, 499])('number %i of 500 delays no other, and stays for an hour', async (at) => {
      const events = putMany(500, () => sampleLogout(now()));
      refuse(events[at]!);
      clock.advance(HOUR_MS - 1);
      expect(await deliverAll()).toBe(499);
      expect(pending()).toEqual([events[at]!.id]);
      expect(stores.outbox.aside).toEqual([]);
      expect(log.of('activity_refused')).toEqual([{ activity_id: events[at]!.id, reason: 'no known cause' }]);
      clock.advance(1);
      expect(await deliverAll()).toBe(1);
      expect(stores.outbox.aside).toMatchObject([{ reason: 'no known cause' }]);
      expect(stores.outbox.pending).toEqual([]);
    });

    test('is written once it is refused no more', async () => {
      const [event] = putMany(1);
      refuse(event!);
      await deliverAll();
      refuse();
      clock.advance(10 * HOUR_MS);
      expect(await deliverAll()).toBe(1);
      expect([...stores.activityLog.logouts.values()]).toEqual([event]);
    });

    test.each([
      ['neighbours', [3, 4, 5]],
      ['the first and the last', [0, 499]],
      ['one in a hundred', [0, 100, 200, 300, 400]],
    ])('%s: all others are delivered, and these set aside after an hour', async (_, refused) => {
      const events = putMany(500, () => sampleLogout(now()));
      const culprits = refused.map((i) => events[i]!);
      refuse(...culprits);
      await deliverAll();
      expect(stores.activityLog.logouts.size).toBe(500 - refused.length);
      expect(pending()).toEqual(culprits.map(({ id }) => id));
      clock.advance(HOUR_MS);
      putMany(500, () => sampleLogout(now()));
      await deliverAll();
      expect(stores.outbox.aside).toHaveLength(refused.length);
      expect(stores.outbox.pending).toEqual([]);
    });

    test('among three events, as the first and the last', async () => {
      const [first, middle, last] = putMany(3);
      refuse(first!, last!);
      expect(await deliverAll()).toBe(1);
      expect([...stores.activityLog.logouts.values()]).toEqual([middle]);
      expect(pending()).toEqual([first!.id, last!.id]);
    });

    test('one of eight: the others are delivered all the same', async () => {
      const events = putMany(500, () => sampleLogout(now()));
      refuse(...events.filter((_, i) => i % 8 === 0));
      await deliverAll();
      expect(stores.activityLog.logouts.size).toBe(437);
      expect(stores.outbox.aside).toEqual([]);
    });

    test('among those refused for good, which are set aside at once', async () => {
      const events = putMany(100, (i) => (i % 10 === 0 ? tooLong() : sampleLogout(now())));
      refuse(events[15]!);
      expect(await deliverAll()).toBe(99);
      expect(stores.outbox.aside).toHaveLength(10);
      expect(pending()).toEqual([events[15]!.id]);
    });

    test('keeps nothing behind it waiting, in whatever batch it is', async () => {
      const events = putMany(3 * DELIVERY_BATCH_SIZE, () => sampleLogout(now()));
      const culprits = [10, DELIVERY_BATCH_SIZE + 10].map((i) => events[i]!);
      refuse(...culprits);
      expect(await deliverAll()).toBe(events.length - 2);
      expect(pending()).toEqual(culprits.map(({ id }) => id));
    });

    test('if all are refused, it is an outage: all stay, however old, and few statements are sent', async () => {
      const events = putMany(DELIVERY_BATCH_SIZE);
      refuse(...events);
      clock.advance(100 * HOUR_MS);
      await expect(deliverAll()).rejects.toMatchObject(STORE_UNAVAILABLE);
      expect(pending()).toEqual(events.map(({ id }) => id));
      expect(stores.outbox.aside).toEqual([]);
      expect(outage.calls.database).toBeLessThan(30);
    });

    test('alone in the outbox it is set aside only if the database works', async () => {
      const [event] = putMany(1);
      refuse(event!);
      clock.advance(HOUR_MS);
      const ping = stores.activityLog.ping.bind(stores.activityLog);
      stores.activityLog.ping = () => Promise.reject(storeUnavailable('database', 'refused'));
      await expect(deliverAll()).rejects.toMatchObject(STORE_UNAVAILABLE);
      expect(stores.outbox.aside).toEqual([]);
      stores.activityLog.ping = ping;
      await deliverAll();
      expect(stores.outbox.aside).toHaveLength(1);
    });

    test('added twice, as after a lost reply, it is one event and no outage', async () => {
      const [event] = putMany(1);
      stores.outbox.put(event!);
      refuse(event!);
      expect(await deliverAll()).toBe(0);
      expect(pending()).toEqual([event!.id, event!.id]);
    });
  });

  test('an outage of MySQL leaves everything in the outbox, and is thrown', async () => {
    putMany(150);
    const before = stores.outbox.pending;
    outage.refuse('database');
    await expect(deliverAll()).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(stores.outbox.pending).toEqual(before);
    expect(stores.outbox.aside).toEqual([]);
    outage.heal();
    expect(await deliverAll()).toBe(150);
  });

  test('an outage of Redis after the rows were written makes no second row', async () => {
    const events = putMany(3);
    const entries = await stores.outbox.readOldest(10);
    outage.refuse('redis');
    await expect(deliver({ stores, log, nowMs: now() }, entries)).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(stores.activityLog.logouts.size).toBe(3);
    expect(stores.outbox.pending).toHaveLength(3);
    outage.heal();
    await deliverAll();
    expect([...stores.activityLog.logouts.values()]).toEqual(events);
    expect(stores.outbox.pending).toEqual([]);
  });

  test('a lost reply from MySQL makes no second row', async () => {
    putMany(3);
    outage.loseReplies('database');
    await expect(deliverAll()).rejects.toMatchObject(STORE_UNAVAILABLE);
    outage.heal();
    await deliverAll();
    expect(stores.activityLog.logouts.size).toBe(3);
  });
});

describe('deliver', () => {
  test('the same entries twice, in the background and by the cron, are one row each', async () => {
    putMany(2);
    const entries = await stores.outbox.readOldest(10);
    await Promise.all([
      deliver({ stores, log, nowMs: now() }, entries),
      deliver({ stores, log, nowMs: now() }, entries),
    ]);
    await deliver({ stores, log, nowMs: now() }, entries);
    expect(stores.activityLog.logouts.size).toBe(2);
    expect(await stores.outbox.status()).toMatchObject({ pending: 0, setAside: 0, oldestAtMs: null });
  });

  test('a refused event delivered twice is set aside once', async () => {
    stores.outbox.put(tooLong());
    const entries = await stores.outbox.readOldest(10);
    await deliver({ stores, log, nowMs: now() }, entries);
    await deliver({ stores, log, nowMs: now() }, entries);
    expect(stores.outbox.aside).toHaveLength(1);
  });

  test('calls no store without entries', async () => {
    await deliver({ stores, log, nowMs: now() }, []);
    expect(outage.calls).toEqual({ redis: 0, database: 0 });
  });

  test('removes only what it was given', async () => {
    putMany(2);
    const [first] = await stores.outbox.readOldest(1);
    const [, second] = stores.outbox.pending;
    await deliver({ stores, log, nowMs: now() }, [first!]);
    expect(stores.outbox.pending).toEqual([second]);
  });
});
