import { encodeActivity, parseActivity } from '../../src/activity/activity-encoding.ts';
import { isFailedAttempt, type Activity } from '../../src/activity/events.ts';
import { ATTEMPTS_MAX, type Outbox, type OutboxEntry, type OutboxStatus } from '../../src/activity/outbox.ts';
import type { Uuid } from '../../src/lib/ids.ts';
import type { ManualClock } from './manual-clock.ts';
import { Outage } from './outage.ts';
import { refuseIllFormed } from './refusals.ts';

interface Pending {
  readonly entryId: string;
  readonly text: string;
}

const ATTEMPT_SUFFIX = '/attempt';
const isAttempt = ({ entryId }: { readonly entryId: string }): boolean => entryId.endsWith(ATTEMPT_SUFFIX);

/** An outbox in memory. It keeps events as encoded text, so that it loses whatever the encoding loses. */
export class MemoryOutbox implements Outbox {
  #pending: Pending[] = [];
  /** Events set aside, with why and when. */
  readonly aside: { readonly text: string; readonly reason: string; readonly atMs: number }[] = [];
  /** Ids of events that it rejected. */
  readonly unrecorded = new Set<Uuid>();
  readonly #clock: ManualClock;
  readonly #outage: Outage;
  #lastMs = 0;
  #sequence = 0;
  #droppedAttempts = 0;

  constructor(clock: ManualClock, outage: Outage = new Outage()) {
    this.#clock = clock;
    this.#outage = outage;
  }

  add<T extends Activity>(activity: T): Promise<OutboxEntry<T>> {
    return this.#outage.during('redis', () => ({ ...this.put(activity), activity }));
  }

  readOldest(limit: number, after: string | null = null): Promise<OutboxEntry[]> {
    return this.#outage.during('redis', () =>
      this.#inOrder()
        .filter((entry) => after === null || isLater(entry.entryId, after))
        .slice(0, limit)
        .map(readEntry),
    );
  }

  remove(entryIds: readonly string[]): Promise<void> {
    return this.#outage.during('redis', () => {
      const gone = new Set(entryIds);
      this.#pending = this.#pending.filter((entry) => !gone.has(entry.entryId));
    });
  }

  setAside(entryId: string, reason: string, nowMs: number): Promise<void> {
    return this.#outage.during('redis', () => {
      const entry = this.#pending.find((each) => each.entryId === entryId);
      if (entry === undefined) return;
      this.aside.push({ text: entry.text, reason, atMs: nowMs });
      this.#pending = this.#pending.filter((each) => each !== entry);
    });
  }

  markRecorded(activityIds: readonly Uuid[]): Promise<void> {
    return this.#outage.during('redis', () => {
      for (const id of activityIds) this.unrecorded.delete(id);
    });
  }

  status(): Promise<OutboxStatus> {
    return this.#outage.during('redis', () => {
      const [oldest] = this.#pending;
      return {
        pending: this.#pending.length,
        setAside: this.aside.length,
        unrecorded: this.unrecorded.size,
        droppedAttempts: this.#droppedAttempts,
        oldestAtMs: oldest === undefined ? null : Number.parseInt(oldest.entryId, 10),
      };
    });
  }

  ping(): Promise<void> {
    return this.#outage.during('redis', () => undefined);
  }

  /** Adds an event as part of another fake's atomic step. */
  put(activity: Activity): OutboxEntry {
    refuseIllFormed(activity);
    const text = encodeActivity(activity);
    if (!isFailedAttempt(activity)) return readEntry(this.putText(text));
    const entry = this.putText(text, ATTEMPT_SUFFIX);
    const tooMany = this.#pending.filter(isAttempt).slice(0, -ATTEMPTS_MAX);
    this.#droppedAttempts += tooMany.length;
    if (tooMany.length > 0) this.#pending = this.#pending.filter((each) => !tooMany.includes(each));
    return readEntry(entry);
  }

  /** Adds any text, such as another version may have left. */
  putText(text: string, suffix = ''): Pending {
    // Like a Redis stream's, an id is never lower than the previous one, even if the clock is turned back.
    const nowMs = Math.max(this.#lastMs, this.#clock.nowMs());
    this.#sequence = nowMs === this.#lastMs ? this.#sequence + 1 : 0;
    this.#lastMs = nowMs;
    const entry = { entryId: `${nowMs}-${this.#sequence}${suffix}`, text };
    this.#pending.push(entry);
    return entry;
  }

  /** All pending events, in the order of their delivery, outage or not. */
  get pending(): readonly OutboxEntry[] {
    return this.#inOrder().map(readEntry);
  }

  #inOrder(): Pending[] {
    const attempts = this.#pending.filter(isAttempt);
    return [...this.#pending.filter((entry) => !isAttempt(entry)), ...attempts];
  }
}

const readEntry = ({ entryId, text }: Pending): OutboxEntry => ({
  entryId,
  activity: parseActivity(text),
});

/** Whether an entry comes after the one with the other id, which may be gone. */
function isLater(entryId: string, other: string): boolean {
  if (isAttempt({ entryId }) !== isAttempt({ entryId: other })) return isAttempt({ entryId });
  const [ms = 0, sequence = 0] = entryId.replace(ATTEMPT_SUFFIX, '').split('-').map(Number);
  const [otherMs = 0, otherSequence = 0] = other.replace(ATTEMPT_SUFFIX, '').split('-').map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}
