import type { EventReceiver } from '../lib/event-receivers.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../log.ts';
import { eventClaims } from './event-token.ts';
import type { Activity } from './events.ts';
import type { SendEvent, SendResult } from './send-event.ts';
import { type QueuedEvent, type WebhookQueue } from './webhook-queue.ts';

/** Others who are told what happens. */
export interface Webhooks {
  readonly receivers: readonly EventReceiver[];
  /** Our own origin, who issues event tokens. */
  readonly issuer: string;
  readonly queue: WebhookQueue;
  readonly send: SendEvent;
  /** When this isolate last looked for queues of receivers that are gone, in Unix ms, if it has none itself. */
  readonly leftovers: { lookedAtMs: number };
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
/** Pushed at once to one receiver, by the cron. */
const WIDTH = 4;
const READ_BATCH_SIZE = 100;
/** A Worker without receivers looks this often for what removed ones left behind: for most sites it is nothing, ever. */
const LOOK_FOR_LEFTOVERS_MS = 3_600_000;

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
 * The cron's part: tidies the queues, then pushes what is left in them, oldest first, while `hasTime`. All receivers at
 * the same time, so that none waits for another.
 *
 * @throws `store_unavailable`; what wasn't pushed is still in the queues
 */
export async function pushPending(push: Push, hasTime: () => boolean): Promise<void> {
  const { webhooks, log, clock } = push;
  const { receivers, queue, leftovers } = webhooks;
  const nowMs = clock.nowMs();
  if (receivers.length === 0) {
    if (nowMs - leftovers.lookedAtMs < LOOK_FOR_LEFTOVERS_MS) return;
    leftovers.lookedAtMs = nowMs;
  }
  const { queues, gone } = await queue.tidy(receivers, nowMs);
  for (const { receiver, dropped } of gone)
    log.event('webhook_dropped', { receiver, count: dropped, reason: 'not_configured' });
  for (const { receiver, dropped, expired } of queues) {
    if (dropped > 0) log.event('webhook_dropped', { receiver, count: dropped, reason: 'too_many' });
    if (expired > 0) log.event('webhook_set_aside', { receiver, count: expired, reason: 'expired' });
  }
  const outcomes = await Promise.allSettled(
    receivers.map(async (receiver, i) => {
      if ((queues[i]?.backingOffUntilMs ?? 0) > nowMs) return;
      const count = await pushQueue(push, receiver, hasTime);
      if (count > 0) log.event('webhook_delivery', { receiver: receiver.name, count });
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Returns how many events left the queue. What fails stays for the next run, and the others come after it. */
async function pushQueue(push: Push, receiver: EventReceiver, hasTime: () => boolean): Promise<number> {
  const { webhooks, clock } = push;
  const addedBeforeMs = clock.nowMs() - LEFT_TO_BACKGROUND_MS;
  let count = 0;
  // One at a time until the receiver took something: one that hangs holds few of the Worker's connections.
  let width = 1;
  for (let after: string | null = null; ;) {
    const entries = await webhooks.queue.read(receiver.name, addedBeforeMs, READ_BATCH_SIZE, after);
    const events = entries.filter((entry): entry is QueuedEvent<Activity> => entry.activity !== null);
    for (let next = 0; next < events.length;) {
      if (!hasTime()) return count;
      const group = events.slice(next, next + width);
      next += width;
      const { left, isDown, isAlive } = await pushAtOnce(push, receiver, group);
      count += left;
      if (isDown) return count;
      width = isAlive ? WIDTH : 1;
    }
    if (entries.length < READ_BATCH_SIZE) return count;
    after = entries.at(-1)?.entryId ?? null;
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
  let left = accepted.length;
  let failures = 0;
  let reason = '';
  for (const { entryId, activity, result } of results) {
    if (result.status === 'accepted') continue;
    reason = result.reason;
    log.event(LOGGED_AS[result.status], { receiver: name, activity_id: activity.id, reason });
    if (result.status === 'failed') failures += 1;
    else if (entryId !== null) {
      await queue.setAside(name, entryId, reason, clock.nowMs());
      left += 1;
    }
  }
  if (accepted.length > 0) {
    const entryIds = accepted.flatMap(({ entryId }) => entryId ?? []);
    await queue.accept(name, entryIds, clock.nowMs());
    return { left, isAlive: true, isDown: false };
  }
  const untilMs = failures > 0 ? await queue.fail(name, reason, failures, clock.nowMs()) : null;
  if (untilMs !== null)
    log.event('webhook_down', { receiver: name, reason, until: new Date(untilMs).toISOString() });
  return { left, isAlive: false, isDown: untilMs !== null };
}

const LOGGED_AS = { refused: 'webhook_set_aside', failed: 'webhook_failed' } as const satisfies Record<
  Exclude<SendResult['status'], 'accepted'>,
  string
>;
