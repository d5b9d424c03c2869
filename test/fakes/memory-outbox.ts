import { encodeActivity, parseActivity } from '../../src/activity/activity-encoding.ts';
import type { Activity } from '../../src/activity/events.ts';
import type { Outbox, OutboxEntry, OutboxStatus } from '../../src/activity/outbox.ts';
import type { ManualClock } from './manual-clock.ts';
import { Outage } from './outage.ts';
import { refuseIllFormed } from './refusals.ts';

interface Pending {
  readonly entryId: string;
  readonly text: string;
}

/** An outbox in memory. It keeps events as encoded text, so that it loses whatever the encoding loses. */
export class MemoryOutbox implements Outbox {
  #pending: Pending[] = [];
  /** Events set aside, with why and when. */
  readonly aside: { readonly text: string; readonly reason: string; readonly atMs: number }[] = [];
  readonly #clock: ManualClock;
  readonly #outage: Outage;
  #lastMs = 0;
  #sequence = 0;

  constructor(clock: ManualClock, outage: Outage = new Outage()) {
    this.#clock = clock;
    this.#outage = outage;
  }

  add<T extends Activity>(activity: T): Promise<OutboxEntry<T>> {
    return this.#outage.during('redis', () => ({ ...this.put(activity), activity }));
  }

  readOldest(limit: number, after: string | null = null): Promise<OutboxEntry[]> {
    return this.#outage.during('redis', () =>
      this.#pending
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

  status(): Promise<OutboxStatus> {
    return this.#outage.during('redis', () => {
      const [oldest] = this.#pending;
      const oldestAtMs = oldest === undefined ? null : Number.parseInt(oldest.entryId, 10);
      return { pending: this.#pending.length, setAside: this.aside.length, oldestAtMs };
    });
  }

  /** Adds an event as part of another fake's atomic step. */
  put(activity: Activity): OutboxEntry {
    refuseIllFormed(activity);
    return readEntry(this.putText(encodeActivity(activity)));
  }

  /** Adds any text, such as another version may have left. */
  putText(text: string): Pending {
    // Like a Redis stream's, an id is never lower than the previous one, even if the clock is turned back.
    const nowMs = Math.max(this.#lastMs, this.#clock.nowMs());
    this.#sequence = nowMs === this.#lastMs ? this.#sequence + 1 : 0;
    this.#lastMs = nowMs;
    const entry = { entryId: `${nowMs}-${this.#sequence}`, text };
    this.#pending.push(entry);
    return entry;
  }

  /** All pending events, oldest first, outage or not. */
  get pending(): readonly OutboxEntry[] {
    return this.#pending.map(readEntry);
  }
}

const readEntry = ({ entryId, text }: Pending): OutboxEntry => ({
  entryId,
  activity: parseActivity(text),
});

/** Whether an entry was added after the one with the other id, which may be gone. */
function isLater(entryId: string, other: string): boolean {
  const [ms = 0, sequence = 0] = entryId.split('-').map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}
