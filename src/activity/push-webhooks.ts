import type { EventReceiver } from '../lib/event-receivers.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../log.ts';
import { eventClaims } from './event-token.ts';
import type { Activity } from './events.ts';
import type { SendEvent, SendResult } from './send-event.ts';
import type { Cursors, QueuedEvent, TidiedQueue, WebhookQueue } from './webhook-queue.ts';

/** The receivers, and what it takes to send them events. */
export interface Webhooks {
  readonly receivers: readonly EventReceiver[];
  /** Our own origin, who issues event tokens. */
  readonly issuer: string;
  readonly queue: WebhookQueue;
  readonly send: SendEvent;
}

interface Push {
  readonly webhooks: Webhooks;
  readonly log: Log;
  readonly clock: Clock;
}

/** For so long an event is left to the background work of the request that added it: as long as `waitUntil` allows. */
const LEFT_TO_BACKGROUND_MS = 30_000;
/** Pushes of one request to one receiver begin within this time, so that the last is over within what `waitUntil` allows. */
const BACKGROUND_MS = 20_000;
/**
 * Of the six connections that a Worker has at a time, one is left for Redis. A seventh would wait for one of them, and its
 * time-out wouldn't (Cloudflare, "Limits").
 */
const CONNECTIONS = 5;
const READ_BATCH_SIZE = 100;

/**
 * What a request's background work does: pushes these events to a receiver, one after the other, as a Worker has few
 * connections. If it fails, the cron goes on.
 *
 * @throws `store_unavailable`; what was pushed may then be pushed once more
 */
export async function pushNow(
  push: Push,
  name: string,
  events: readonly QueuedEvent<Activity>[],
): Promise<void> {
  const { webhooks, clock } = push;
  const receiver = webhooks.receivers.find((each) => each.name === name);
  if (receiver === undefined) return;
  const startedAtMs = clock.nowMs();
  if ((await webhooks.queue.backingOffUntilMs(name)) > startedAtMs) return;
  for (const event of events) {
    if (clock.nowMs() - startedAtMs > BACKGROUND_MS) return;
    const { isDown } = await pushAtOnce(push, receiver, [event]);
    if (isDown) return;
  }
}

/**
 * The cron's part: tidies the queues, then pushes what is left in them, while `hasTime`. All receivers at the same time, so
 * that none waits for another.
 *
 * @throws `store_unavailable`; what wasn't pushed is still in the queues
 */
export async function pushPending(push: Push, hasTime: () => boolean): Promise<void> {
  const { webhooks, log, clock } = push;
  const { receivers, queue } = webhooks;
  const nowMs = clock.nowMs();
  const { queues, gone } = await queue.tidy(receivers, nowMs);
  for (const { receiver, dropped } of gone)
    log.event('webhook_dropped', { receiver, count: dropped, reason: 'not_configured' });
  for (const { receiver, dropped, expired } of queues) {
    if (dropped > 0) log.event('webhook_dropped', { receiver, count: dropped, reason: 'too_many' });
    if (expired > 0) log.event('webhook_set_aside', { receiver, count: expired, reason: 'expired' });
  }
  const outcomes = await Promise.allSettled(
    receivers.map(async (receiver, i) => {
      const tidied = queues[i];
      if (tidied === undefined || tidied.backingOffUntilMs > nowMs) return;
      const count = await pushQueue(push, receiver, tidied, hasTime);
      if (count > 0) log.event('webhook_delivery', { receiver: receiver.name, count });
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Returns how many events left the queue. What fails stays for the next run, and the others come after it. */
async function pushQueue(
  push: Push,
  receiver: EventReceiver,
  tidied: TidiedQueue,
  hasTime: () => boolean,
): Promise<number> {
  const { webhooks, clock } = push;
  const maxWidth = Math.max(1, Math.floor(CONNECTIONS / webhooks.receivers.length));
  const newest = String(clock.nowMs() - LEFT_TO_BACKGROUND_MS - 1);
  let count = 0;
  // One at a time until the receiver took something: one that hangs holds few of the Worker's connections.
  let width = 1;
  for await (const { cursor, events } of readPending(webhooks.queue, tidied, newest)) {
    for (let next = 0; next < events.length;) {
      if (!hasTime()) return count;
      const group = events.slice(next, next + width);
      next += width;
      const cursors = { [cursor]: group.at(-1)?.entryId ?? null };
      const { left, isDown, isAlive } = await pushAtOnce(push, receiver, group, cursors);
      count += left;
      if (isDown) return count;
      width = isAlive ? maxWidth : 1;
    }
  }
  return count;
}

/**
 * Batches of a queue, and the cursor that moves with them. First what the cron never tried, then the rest, from after the
 * last that it tried again around to it: otherwise a few events that always fail would keep all others waiting.
 */
async function* readPending(queue: WebhookQueue, { receiver, tried, retried }: TidiedQueue, newest: string) {
  const ranges: [cursor: keyof Cursors, after: string | null, upTo: string][] = [['tried', tried, newest]];
  if (tried !== null) ranges.push(['retried', retried, tried]);
  if (retried !== null) ranges.push(['retried', null, retried]);
  for (const [cursor, start, upTo] of ranges) {
    for (let after = start; ;) {
      const entries = await queue.read(receiver, after, upTo, READ_BATCH_SIZE);
      const events = entries.filter((entry): entry is QueuedEvent<Activity> => entry.activity !== null);
      yield { cursor, events };
      if (entries.length < READ_BATCH_SIZE) break;
      after = entries.at(-1)?.entryId ?? null;
    }
  }
}

interface PushedGroup {
  /** How many events left the queue. */
  readonly left: number;
  readonly isAlive: boolean;
  readonly isDown: boolean;
}

async function pushAtOnce(
  { webhooks, log, clock }: Push,
  receiver: EventReceiver,
  events: readonly QueuedEvent<Activity>[],
  cursors: Partial<Cursors> = {},
): Promise<PushedGroup> {
  const { queue, send, issuer } = webhooks;
  const { name } = receiver;
  const results = await Promise.all(
    events.map(async ({ entryId, activity }) => {
      const result = await send(receiver, eventClaims(activity, issuer), clock.nowMs());
      return { entryId, activity, result };
    }),
  );
  const accepted = results.filter(({ result }) => result.status === 'accepted');
  const isAlive = accepted.length > 0;
  if (isAlive) {
    const entryIds = accepted.flatMap(({ entryId }) => entryId ?? []);
    await queue.accept(name, entryIds, clock.nowMs());
  }
  let left = accepted.length;
  let failures = 0;
  let failedBecause = '';
  for (const { entryId, activity, result } of results) {
    if (result.status === 'accepted') continue;
    const { reason } = result;
    log.event(LOGGED_AS[result.status], { receiver: name, activity_id: activity.id, reason });
    if (result.status === 'failed') {
      failures += 1;
      failedBecause = reason;
    } else if (entryId !== null) {
      await queue.setAside(name, entryId, reason, clock.nowMs());
      left += 1;
    }
  }
  if (failures === 0) return { left, isAlive, isDown: false };
  // One that took another event meanwhile isn't down.
  const failure = { reason: failedBecause, count: isAlive ? 0 : failures, cursors };
  const backOff = await queue.fail(name, failure, clock.nowMs());
  if (backOff?.isNew === true) {
    const until = new Date(backOff.untilMs).toISOString();
    log.event('webhook_down', { receiver: name, reason: failedBecause, until });
  }
  return { left, isAlive, isDown: !isAlive && backOff !== null };
}

const LOGGED_AS = { refused: 'webhook_set_aside', failed: 'webhook_failed' } as const satisfies Record<
  Exclude<SendResult['status'], 'accepted'>,
  string
>;
