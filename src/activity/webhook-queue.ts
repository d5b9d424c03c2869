import type { EventKind, EventReceiver } from '../lib/event-receivers.ts';
import type { Activity } from './events.ts';

/**
 * Events that wait for one receiver; beyond it the oldest are dropped and counted, as a dead receiver must not fill Redis:
 * that would stop sign-ins. With the longest name and agent a sign-out has 1.6 KB and a failed sign-in 3.5 KB, so a stream
 * has 45,000 × 1.6 + 5,000 × 3.5 = 90 MB, below the 100 MB that Upstash allows a record on pay as you go. Five receivers
 * take 450 MB, and 175 MB more of what was set aside. A sign-out from Chrome has 470 bytes: 24 MB a queue, 120 MB for five.
 */
export const QUEUE_MAX = 50_000;
/** Failed sign-ins, which any client can cause in any number, take no more places than this. */
export const QUEUED_FAILURES_MAX = 5000;
/** An event that was accepted by then, or never, is of no use any more. */
export const KEEP_MS = 7 * 86_400_000;
/** Events set aside of one receiver; beyond it the oldest are deleted. */
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

/** How far the cron is in a queue: ids of entries. Null: it is at the start. */
export interface Cursors {
  /** The newest that it tried. */
  readonly tried: string | null;
  /** Of those, the last that it tried again. */
  readonly retried: string | null;
}

/** Why and how often pushes failed. */
export interface PushFailure {
  readonly reason: string;
  /** Zero: it is noted, not counted. */
  readonly count: number;
  /** Those that move; null and undefined: it stays. */
  readonly cursors?: Partial<Cursors>;
}

export interface BackOff {
  readonly untilMs: number;
  /** It began with this failure. */
  readonly isNew: boolean;
}

/** What `tidy` did for a receiver, and how it is. */
export interface TidiedQueue extends Cursors {
  readonly receiver: string;
  /** Dropped since the last time, as there were too many. */
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
  /**
   * At most `limit` events, oldest first, from the one after `after` (null: the oldest) to `upTo`: the id of an entry, or
   * Unix ms.
   */
  read(receiver: string, after: string | null, upTo: string, limit: number): Promise<QueuedEvent[]>;
  /** Removes what was accepted, and ends the backing off. */
  accept(receiver: string, entryIds: readonly string[], nowMs: number): Promise<void>;
  /** Counts failures. Returns until when the receiver isn't tried; null: it may be tried. */
  fail(receiver: string, failure: PushFailure, nowMs: number): Promise<BackOff | null>;
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
