import { describe, expect, test } from 'vitest';
import type { Activity } from '../../../src/activity/events.ts';
import { pushNow, pushPending, type Webhooks } from '../../../src/activity/push-webhooks.ts';
import type { SendResult } from '../../../src/activity/send-event.ts';
import type { EventReceiver } from '../../../src/lib/event-receivers.ts';
import { CapturedLog } from '../../fakes/captured-log.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { MemoryWebhookQueue } from '../../fakes/memory-webhook-queue.ts';
import { Outage, STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import { sampleLogout, sampleReceiver } from '../../fakes/samples.ts';

const ACCEPTED: SendResult = { status: 'accepted' };
const FAILED: SendResult = { status: 'failed', reason: 'http_500' };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Receivers by name, each with what it responds to the event with this `jti`. */
function open(respond: Record<string, (jti: string) => SendResult | Promise<SendResult>>) {
  const clock = new ManualClock();
  const log = new CapturedLog();
  const outage = new Outage();
  const queue = new MemoryWebhookQueue(outage);
  /** `name jti`, in the order of the pushes. */
  const sent: string[] = [];
  let underWay = 0;
  let mostAtOnce = 0;
  const webhooks: Webhooks = {
    receivers: Object.keys(respond).map((name) => sampleReceiver({ name })),
    issuer: 'https://login.example.org',
    queue,
    async send({ name }: EventReceiver, { jti }) {
      sent.push(`${name} ${String(jti)}`);
      mostAtOnce = Math.max(mostAtOnce, (underWay += 1));
      try {
        return await respond[name]!(String(jti));
      } finally {
        underWay -= 1;
      }
    },
  };
  const push = { webhooks, log, clock };
  /** Adds so many events to a queue, of this age. */
  const add = (name: string, count: number, ageMs = MINUTE_MS): string[] =>
    Array.from({ length: count }, () => {
      const logout = sampleLogout(clock.nowMs() - ageMs);
      queue.put(name, logout, clock.nowMs() - ageMs);
      return logout.id;
    });
  return {
    ...{ clock, log, outage, queue, sent, webhooks, add, push },
    mostAtOnce: () => mostAtOnce,
    pendingOf: (name: string) => queue.pendingOf(name).map(({ activity }) => activity?.id),
    cron: (hasTime = () => true) => pushPending(push, hasTime),
    now: (name: string) =>
      pushNow(push, name, queue.pendingOf(name) as { entryId: string; activity: Activity }[]),
  };
}

describe('the cron', () => {
  test('pushes what is left in the queues, oldest first, and removes what was accepted', async () => {
    const under = open({ a: () => ACCEPTED, b: () => ACCEPTED });
    const [ofA, ofB] = [under.add('a', 3), under.add('b', 1)];
    await under.cron();
    expect(under.sent.filter((each) => each.startsWith('a'))).toEqual(ofA.map((jti) => `a ${jti}`));
    expect(under.sent).toContain(`b ${ofB[0]}`);
    expect([...under.pendingOf('a'), ...under.pendingOf('b')]).toEqual([]);
    expect(under.log.of('webhook_delivery')).toEqual([
      { receiver: 'b', count: 1 },
      { receiver: 'a', count: 3 },
    ]);
  });

  test('leaves what is younger than 30 s to the request that added it', async () => {
    const under = open({ a: () => ACCEPTED });
    const [young] = [under.add('a', 1, 29_000), under.add('a', 1, 31_000)];
    await under.cron();
    expect(under.pendingOf('a')).toEqual(young);
  });

  test('goes past what failed, and tries it again in the next run', async () => {
    const refused = new Set<string>();
    const under = open({ a: (jti) => (refused.delete(jti) ? FAILED : ACCEPTED) });
    const ids = under.add('a', 250);
    for (const jti of ids.filter((_, i) => i % 2 === 0)) refused.add(jti);
    await under.cron();
    expect(under.pendingOf('a')).toEqual(ids.filter((_, i) => i % 2 === 0));
    await under.cron();
    expect(under.pendingOf('a')).toEqual([]);
    expect(new Set(under.sent).size).toBe(250);
  });

  test.each([
    [1, 5],
    [2, 4],
    [3, 3],
    [5, 5],
  ])('pushes to %i receivers at once no more than %i events: it has six connections', async (count, most) => {
    const names = ['a', 'b', 'c', 'd', 'e'].slice(0, count);
    const under = open(Object.fromEntries(names.map((name) => [name, () => ACCEPTED])));
    for (const name of names) under.add(name, 20);
    await under.cron();
    expect(under.mostAtOnce()).toBe(most);
    expect(names.flatMap((name) => under.pendingOf(name))).toEqual([]);
  });

  test('pushes one at a time until the receiver took something', async () => {
    const dead = open({ a: () => FAILED });
    dead.add('a', 9);
    await dead.cron();
    expect(dead.mostAtOnce()).toBe(1);
  });

  test('stops when its time is over', async () => {
    const under = open({ a: () => ACCEPTED });
    under.add('a', 500);
    let groups = 0;
    await under.cron(() => (groups += 1) <= 3);
    expect(under.sent).toHaveLength(1 + 5 + 5);
    expect(under.pendingOf('a')).toHaveLength(489);
  });

  test('a receiver that hangs delays no other', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const under = open({ a: () => hanging.promise, b: () => ACCEPTED });
    under.add('a', 1);
    const ofB = under.add('b', 20);
    const run = under.cron();
    await expect.poll(() => under.pendingOf('b')).toEqual([]);
    expect(under.sent.filter((each) => each.startsWith('b'))).toHaveLength(ofB.length);
    hanging.resolve({ status: 'failed', reason: 'timeout' });
    await run;
    expect(under.pendingOf('a')).toHaveLength(1);
  });

  test('sets aside what the receiver will never take, and reports it', async () => {
    const refused: SendResult = { status: 'refused', reason: 'invalid_audience' };
    const under = open({ a: (jti) => (jti === bad ? refused : ACCEPTED) });
    const [, bad] = under.add('a', 3);
    await under.cron();
    expect(under.pendingOf('a')).toEqual([]);
    expect(under.queue.setAsideOf('a')).toEqual([`${bad} invalid_audience`]);
    expect(under.log.of('webhook_set_aside')).toEqual([
      { receiver: 'a', activity_id: bad, reason: 'invalid_audience' },
    ]);
  });

  test('sets aside what is older than seven days without a try, also if the receiver is down', async () => {
    const under = open({ a: () => FAILED });
    under.add('a', 20);
    await under.cron();
    const [old] = under.add('a', 1, 7 * DAY_MS + 1);
    const young = under.add('a', 1, 7 * DAY_MS - 1);
    under.sent.length = 0;
    await under.cron();
    expect(under.sent).toEqual([]);
    expect(under.queue.setAsideOf('a')).toEqual([`${old} expired`]);
    expect(under.pendingOf('a')).toEqual(expect.arrayContaining(young));
    expect(under.log.of('webhook_set_aside')).toEqual([{ receiver: 'a', count: 1, reason: 'expired' }]);
  });

  test('leaves what it can’t read for a release that can, and pushes what comes after it', async () => {
    const under = open({ a: () => ACCEPTED });
    under.queue.put('a', '{"v":99}', under.clock.nowMs() - MINUTE_MS);
    under.add('a', 1);
    await under.cron();
    expect(under.pendingOf('a')).toEqual([undefined]);
  });

  test('says that the store was out', async () => {
    const under = open({ a: () => ACCEPTED });
    under.outage.refuse('redis');
    await expect(under.cron()).rejects.toMatchObject(STORE_UNAVAILABLE);
  });

  test('pushes again what was accepted while the store was out: at least once', async () => {
    const under = open({
      a: () => {
        under.outage.refuse('redis');
        return ACCEPTED;
      },
    });
    const [jti] = under.add('a', 1);
    await expect(under.cron()).rejects.toMatchObject(STORE_UNAVAILABLE);
    under.outage.heal();
    await expect(under.cron()).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(under.sent).toEqual([`a ${jti}`, `a ${jti}`]);
  });
});

describe('a receiver that is down', () => {
  test('is tried again after 1, 2, 4 ... 32 minutes, until the first success', async () => {
    let isUp = false;
    const under = open({ a: () => (isUp ? ACCEPTED : FAILED) });
    under.add('a', 100);
    const startedAtMs = under.clock.nowMs();
    /** Minutes after the start in which something was sent. */
    const triedAt = async (minutes: number) => {
      const tries: number[] = [];
      for (let i = 0; i < minutes; i += 1) {
        const before = under.sent.length;
        await under.cron();
        if (under.sent.length > before) tries.push((under.clock.nowMs() - startedAtMs) / MINUTE_MS);
        under.clock.advance(MINUTE_MS);
      }
      return tries;
    };
    expect(await triedAt(128)).toEqual([0, 1, 3, 7, 15, 31, 63, 95, 127]);
    expect(under.sent).toHaveLength(10 + 8 * 3);
    expect(under.log.of('webhook_down')).toHaveLength(9);
    expect(under.log.of('webhook_down')[0]).toEqual({
      receiver: 'a',
      reason: 'http_500',
      until: new Date(startedAtMs + MINUTE_MS).toISOString(),
    });
    isUp = true;
    expect(await triedAt(32)).toEqual([159]);
    expect(under.pendingOf('a')).toEqual([]);
    isUp = false;
    under.add('a', 9);
    expect(await triedAt(1)).toEqual([160]);
    expect(under.log.of('webhook_down')).toHaveLength(9);
  });

  test('gets nothing from requests until it is tried again', async () => {
    const under = open({ a: () => FAILED });
    under.add('a', 12);
    await under.now('a');
    expect(under.sent).toHaveLength(10);
    await under.now('a');
    expect(under.sent).toHaveLength(10);
    under.clock.advance(MINUTE_MS);
    await under.now('a');
    expect(under.sent).toHaveLength(13);
  });

  test('is logged as such once, however many requests are under way', async () => {
    const under = open({ a: () => FAILED });
    under.add('a', 1);
    await Promise.all(Array.from({ length: 20 }, () => under.now('a')));
    expect(under.sent).toHaveLength(20);
    expect(under.log.of('webhook_down')).toHaveLength(1);
  });

  test('isn’t one that took another event meanwhile; its failure is noted all the same', async () => {
    let isOdd = false;
    const under = open({ a: () => ((isOdd = !isOdd) ? ACCEPTED : FAILED) });
    under.add('a', 40);
    await under.cron();
    expect(under.pendingOf('a').length).toBeGreaterThan(10);
    expect(under.log.of('webhook_down')).toEqual([]);
    expect(under.queue.errorOf('a')).toBe('http_500');
  });

  test('is shown with what failed, not with what it refused', async () => {
    const responses: SendResult[] = [ACCEPTED, FAILED, FAILED, FAILED, FAILED];
    const under = open({ a: () => responses.shift() ?? { status: 'refused', reason: 'invalid_key' } });
    under.add('a', 6);
    await under.cron();
    expect(under.queue.errorOf('a')).toBe('http_500');
  });
});

describe('events that a receiver always fails', () => {
  test.each([
    ['ten of them', 0],
    ['ten of them and one more every five minutes', 5],
  ])('%s keep the others waiting for minutes, not for days', async (_, everyMinutes) => {
    const bad = new Set<string>();
    const under = open({ a: (jti) => (bad.has(jti) ? FAILED : ACCEPTED) });
    for (const jti of under.add('a', 10)) bad.add(jti);
    const addedAtMs = new Map<string, number>();
    const lateMs: number[] = [];
    const happens = async (isBad: boolean) => {
      const logout = sampleLogout(under.clock.nowMs());
      const entryId = under.queue.put('a', logout, under.clock.nowMs());
      if (isBad) bad.add(logout.id);
      else addedAtMs.set(logout.id, under.clock.nowMs());
      await pushNow(under.push, 'a', [{ entryId, activity: logout }]);
    };
    for (let minute = 0; minute < 1440; minute += 1) {
      if (minute % 2 === 0) await happens(false);
      if (everyMinutes > 0 && minute % everyMinutes === 0) await happens(true);
      under.clock.advance(MINUTE_MS);
      await under.cron();
      for (const jti of under.sent.splice(0).map((text) => text.slice('a '.length)))
        if (!bad.has(jti)) lateMs.push(under.clock.nowMs() - (addedAtMs.get(jti) ?? 0));
    }
    expect(lateMs.length).toBeGreaterThanOrEqual(719);
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(4 * MINUTE_MS);
  });

  test('are tried again in turn, with those that failed only for a while', async () => {
    const bad = new Set<string>();
    const under = open({ a: (jti) => (bad.has(jti) ? FAILED : ACCEPTED) });
    const ids = under.add('a', 60);
    for (const jti of ids) bad.add(jti);
    for (let minute = 0; minute < 1440; minute += 1) {
      if (minute === 720) bad.delete(ids.at(-1)!);
      under.add('a', 1);
      await under.cron();
      under.clock.advance(MINUTE_MS);
    }
    expect(new Set(under.sent).size).toBeGreaterThan(1440);
    expect(under.pendingOf('a')).toEqual(ids.slice(0, -1));
  });
});

describe('a request', () => {
  test('pushes its own events, and leaves those of others', async () => {
    const under = open({ a: () => ACCEPTED });
    const logout = sampleLogout(under.clock.nowMs());
    const entryId = under.queue.put('a', logout, under.clock.nowMs());
    const other = under.add('a', 1, 0);
    await pushNow(under.push, 'a', [{ entryId, activity: logout }]);
    expect(under.sent).toEqual([`a ${logout.id}`]);
    expect(under.pendingOf('a')).toEqual(other);
  });

  test('leaves what failed for the cron', async () => {
    const under = open({ a: () => FAILED });
    const ids = under.add('a', 2, 0);
    await under.now('a');
    expect(under.pendingOf('a')).toEqual(ids);
    expect(under.log.of('webhook_failed')).toEqual(
      ids.map((jti) => ({ receiver: 'a', activity_id: jti, reason: 'http_500' })),
    );
  });

  test('stops in time: what waitUntil would cut off is the cron’s', async () => {
    const under = open({
      a: () => {
        under.clock.advance(5000);
        return FAILED;
      },
    });
    under.add('a', 9, 0);
    await under.now('a');
    expect(under.sent).toHaveLength(5);
  });

  test('pushes what no queue took', async () => {
    const under = open({ a: () => ACCEPTED });
    const logout = sampleLogout(under.clock.nowMs());
    await pushNow(under.push, 'a', [{ entryId: null, activity: logout }]);
    expect(under.sent).toEqual([`a ${logout.id}`]);
  });

  test('does nothing for a receiver that is no longer configured', async () => {
    const under = open({});
    await pushNow(under.push, 'a', [{ entryId: '1-1', activity: sampleLogout(0) }]);
    expect(under.outage.calls.redis).toBe(0);
  });
});

describe('a receiver that was removed', () => {
  test('loses its queue after an hour, which is logged', async () => {
    const under = open({ a: () => FAILED });
    under.add('a', 3);
    await under.cron();
    const { webhooks } = under;
    const without = () =>
      pushPending({ ...under.push, webhooks: { ...webhooks, receivers: [] } }, () => true);
    await without();
    expect(under.pendingOf('a')).toHaveLength(3);
    under.clock.advance(3_600_000);
    await without();
    expect(under.pendingOf('a')).toEqual([]);
    expect(under.log.of('webhook_dropped')).toEqual([{ receiver: 'a', count: 3, reason: 'not_configured' }]);
  });
});
