import type { EventKind, EventReceiver } from '../lib/event-receivers.ts';
import type { Activity } from './events.ts';

/**
 * Events that wait for one receiver; beyond it the oldest are dropped and counted, as a dead receiver must not fill Redis:
 * that would stop sign-ins. A sign-out has about 500 bytes, so a stream stays below the 100 MB that Upstash allows a
 * record on pay as you go.
 */
export const QUEUE_MAX = 100_000;
/** Failed sign-ins, which any client can cause in any number, take no more places than this. Each has 3.5 KB at most. */
export const QUEUED_FAILURES_MAX = 20_000;
/** An event that was accepted by then, or never, is of no use any more. */
export const KEEP_MS = 7 * 86_400_000;
/** Events set aside of one receiver; beyond it the oldest are dropped. */
export const SET_ASIDE_MAX = 10_000;
/** Old events set aside in one run of the cron, for each receiver. */
export const EXPIRED_PER_RUN = 1000;
/**
 * For so long the queue of a receiver that no Worker names any more is kept. While a release is rolled out, the Workers of
 * two settings run side by side, and the one must not delete what the other just added.
 */
export const FORGET_AFTER_MS = 3_600_000;

/** So many failures in a row, without a success, and a receiver counts as down. */
export const FAILURES_UNTIL_DOWN = 10;
/** Then so many more, once the time is up, and it backs off for twice as long. */
export const FAILURES_A_ROUND = 3;
export const BACKOFF_MS = 60_000;
/** 32 minutes. */
export const BACKOFF_DOUBLINGS_MAX = 5;

/** Names of the receivers that want each kind of event; a kind that none wants is left out. */
export type EventStreams = Readonly<Partial<Record<EventKind, readonly string[]>>>;

export function streamsOf(receivers: readonly Pick<EventReceiver, 'name' | 'events'>[]): EventStreams {
  const streams: Partial<Record<EventKind, string[]>> = {};
  for (const { name, events } of receivers) for (const kind of events) (streams[kind] ??= []).push(name);
  return streams;
}

/** An event's place in the queue of a receiver. `entryId` is null if Redis rejected it: only the caller has the event. */
export interface QueuedFor {
  readonly receiver: string;
  readonly entryId: string | null;
}

export interface QueuedEvent<T extends Activity | null = Activity | null> {
  readonly entryId: string | null;
  /** Null: it can't be read as an event (damaged, or of a later version). */
  readonly activity: T;
}

/** What `tidy` did for a receiver, and how it is. */
export interface TidiedQueue {
  readonly receiver: string;
  /** Dropped, as there were too many. */
  readonly dropped: number;
  /** Set aside, as they were too old. */
  readonly expired: number;
  /** In Unix ms; 0 or past: it may be tried. */
  readonly backingOffUntilMs: number;
}

/**
 * Events that receivers haven't accepted yet, a queue each. The session scripts add to it in the step that starts or ends a
 * session, and the outbox what it adds itself. Each method throws `store_unavailable`.
 */
export interface WebhookQueue {
  /** Until when it isn't tried, in Unix ms; 0 or past: it may be tried. */
  backingOffUntilMs(receiver: string): Promise<number>;
  /** At most `limit` events that were added before, oldest first, those after `after`. Null: from the start. */
  read(receiver: string, addedBeforeMs: number, limit: number, after: string | null): Promise<QueuedEvent[]>;
  /** Removes what was accepted, and ends the backing off. */
  accept(receiver: string, entryIds: readonly string[], nowMs: number): Promise<void>;
  /** Counts failures. Returns until when the receiver isn't tried, in Unix ms; null: it may be tried. */
  fail(receiver: string, reason: string, count: number, nowMs: number): Promise<number | null>;
  /** Moves an event to those set aside. One that is gone stays gone. */
  setAside(receiver: string, entryId: string, reason: string, nowMs: number): Promise<void>;
  /**
   * Sets aside what is too old, drops what is too much, notes that these receivers are configured, for the operator's tool,
   * and deletes the queues of those that haven't been for a while: `gone`, with how many events they held.
   */
  tidy(
    receivers: readonly EventReceiver[],
    nowMs: number,
  ): Promise<{
    readonly queues: readonly TidiedQueue[];
    readonly gone: readonly { readonly receiver: string; readonly dropped: number }[];
  }>;
}
