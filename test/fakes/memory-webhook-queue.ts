import { encodeActivity, parseActivity } from '../../src/activity/activity-encoding.ts';
import type { Activity } from '../../src/activity/events.ts';
import {
  BACKOFF_DOUBLINGS_MAX,
  BACKOFF_MS,
  EXPIRED_PER_RUN,
  FAILURES_A_ROUND,
  FAILURES_UNTIL_DOWN,
  FORGET_AFTER_MS,
  KEEP_MS,
  QUEUE_MAX,
  type BackOff,
  type Cursors,
  type PushFailure,
  type QueuedEvent,
  type WebhookQueue,
} from '../../src/activity/webhook-queue.ts';
import type { EventReceiver } from '../../src/lib/event-receivers.ts';
import { Outage } from './outage.ts';

interface Entry {
  readonly entryId: string;
  readonly text: string;
}

interface Queue {
  entries: Entry[];
  readonly aside: { readonly text: string; readonly reason: string }[];
  failures: number;
  untilMs: number;
  error: string | null;
  cursors: Cursors;
  seenAtMs: number | null;
}

/** Queues in memory. Events are kept as encoded text, so that they lose whatever the encoding loses. */
export class MemoryWebhookQueue implements WebhookQueue {
  readonly #queues = new Map<string, Queue>();
  readonly #outage: Outage;
  readonly #queueMax: number;
  #sequence = 0;

  constructor(outage: Outage = new Outage(), queueMax = QUEUE_MAX) {
    this.#outage = outage;
    this.#queueMax = queueMax;
  }

  /** Adds an event as the scripts do, or any text, as another version may. Returns its id. */
  put(receiver: string, activity: Activity | string, atMs: number): string {
    const entryId = `${atMs}-${(this.#sequence += 1)}`;
    const text = typeof activity === 'string' ? activity : encodeActivity(activity);
    this.#of(receiver).entries.push({ entryId, text });
    return entryId;
  }

  pendingOf(receiver: string): QueuedEvent[] {
    return this.#of(receiver).entries.map(readEntry);
  }

  setAsideOf(receiver: string): string[] {
    return this.#of(receiver).aside.map(({ text, reason }) => `${parseActivity(text)?.id} ${reason}`);
  }

  errorOf(receiver: string): string | null {
    return this.#of(receiver).error;
  }

  backingOffUntilMs(receiver: string): Promise<number> {
    return this.#outage.during('redis', () => this.#of(receiver).untilMs);
  }

  read(receiver: string, after: string | null, upTo: string, limit: number): Promise<QueuedEvent[]> {
    return this.#outage.during('redis', () => {
      const { entries } = this.#of(receiver);
      return entries
        .filter(({ entryId }) => after === null || isLater(entryId, after))
        .filter(({ entryId }) => !isLater(entryId, upTo))
        .slice(0, limit)
        .map(readEntry);
    });
  }

  accept(receiver: string, entryIds: readonly string[]): Promise<void> {
    return this.#outage.during('redis', () => {
      const queue = this.#of(receiver);
      queue.entries = queue.entries.filter(({ entryId }) => !entryIds.includes(entryId));
      queue.failures = 0;
      queue.untilMs = 0;
    });
  }

  fail(
    receiver: string,
    { reason, count, cursors = {} }: PushFailure,
    nowMs: number,
  ): Promise<BackOff | null> {
    return this.#outage.during('redis', () => {
      const queue = this.#of(receiver);
      queue.error = reason;
      const { tried, retried } = queue.cursors;
      queue.cursors = { tried: cursors.tried ?? tried, retried: cursors.retried ?? retried };
      if (queue.untilMs > nowMs) return { untilMs: queue.untilMs, isNew: false };
      const beyond = queue.failures - FAILURES_UNTIL_DOWN;
      const round = beyond < 0 ? 0 : 1 + Math.floor(beyond / FAILURES_A_ROUND);
      const roundEndsAt = FAILURES_UNTIL_DOWN + round * FAILURES_A_ROUND;
      queue.failures = Math.min(queue.failures + count, roundEndsAt);
      if (queue.failures < roundEndsAt) return null;
      queue.untilMs = nowMs + BACKOFF_MS * 2 ** Math.min(round, BACKOFF_DOUBLINGS_MAX);
      return { untilMs: queue.untilMs, isNew: true };
    });
  }

  setAside(receiver: string, entryId: string, reason: string): Promise<void> {
    return this.#outage.during('redis', () => {
      const queue = this.#of(receiver);
      queue.error = reason;
      this.#moveAside(queue, [entryId], reason);
    });
  }

  tidy(receivers: readonly EventReceiver[], nowMs: number): ReturnType<WebhookQueue['tidy']> {
    return this.#outage.during('redis', () => {
      const names = receivers.map(({ name }) => name);
      const queues = names.map((receiver) => {
        const queue = this.#of(receiver);
        queue.seenAtMs = nowMs;
        const dropped = Math.max(0, queue.entries.length - this.#queueMax);
        queue.entries.splice(0, dropped);
        const expired = queue.entries
          .map(({ entryId }) => entryId)
          .filter((entryId) => Number.parseInt(entryId, 10) < nowMs - KEEP_MS)
          .slice(0, EXPIRED_PER_RUN);
        this.#moveAside(queue, expired, 'expired');
        const how = { backingOffUntilMs: queue.untilMs, ...queue.cursors };
        return { receiver, dropped, expired: expired.length, ...how };
      });
      const gone = [...this.#queues].flatMap(([receiver, { entries, seenAtMs }]) => {
        if (names.includes(receiver) || seenAtMs === null || seenAtMs + FORGET_AFTER_MS > nowMs) return [];
        this.#queues.delete(receiver);
        return [{ receiver, dropped: entries.length }];
      });
      return { queues, gone };
    });
  }

  #moveAside(queue: Queue, entryIds: readonly string[], reason: string): void {
    const moved = queue.entries.filter(({ entryId }) => entryIds.includes(entryId));
    queue.entries = queue.entries.filter((entry) => !moved.includes(entry));
    queue.aside.push(...moved.map(({ text }) => ({ text, reason })));
  }

  #of(receiver: string): Queue {
    let queue = this.#queues.get(receiver);
    if (queue === undefined) {
      const cursors = { tried: null, retried: null };
      queue = { entries: [], aside: [], failures: 0, untilMs: 0, error: null, cursors, seenAtMs: null };
      this.#queues.set(receiver, queue);
    }
    return queue;
  }
}

const readEntry = ({ entryId, text }: Entry): QueuedEvent => ({ entryId, activity: parseActivity(text) });

function isLater(entryId: string, other: string): boolean {
  const [ms = 0, sequence = 0] = entryId.split('-').map(Number);
  // Unix ms alone: all that was added then.
  const [otherMs = 0, otherSequence = Infinity] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}
