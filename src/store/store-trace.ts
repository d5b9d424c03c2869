import type { Trace } from './store-call.ts';

interface Wait {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** The waits of one request on the stores. */
export class StoreTrace implements Trace {
  readonly storeFault: NonNullable<Trace['storeFault']>;
  readonly #budgetMs: number;
  readonly #calls: Wait[] = [];
  #turnsMs = 0;

  /** `budgetMs`: what the request may spend on stores in all. `storeFault` is told of each wait without an answer. */
  constructor(budgetMs: number, storeFault: Trace['storeFault'] = () => undefined) {
    this.#budgetMs = budgetMs;
    this.storeFault = storeFault;
  }

  storeWait(_store: string, startedAtMs: number, endedAtMs: number): void {
    this.#calls.push({ startedAtMs, endedAtMs });
  }

  turnWait(ms: number): void {
    this.#turnsMs += ms;
  }

  leftMs(): number {
    return this.#budgetMs - this.spentMs() - this.#turnsMs;
  }

  /** Time in ms during which at least one wait was under way. */
  spentMs(): number {
    let sumMs = 0;
    let freeAtMs = Number.NEGATIVE_INFINITY;
    for (const call of this.#calls.sort((a, b) => a.startedAtMs - b.startedAtMs)) {
      sumMs += Math.max(0, call.endedAtMs - Math.max(call.startedAtMs, freeAtMs));
      freeAtMs = Math.max(freeAtMs, call.endedAtMs);
    }
    return sumMs;
  }

  /** How many there were one after the other: waits that overlap count as one. */
  waits(): number {
    let count = 0;
    let freeAtMs = Number.NEGATIVE_INFINITY;
    for (const call of this.#calls.sort((a, b) => a.endedAtMs - b.endedAtMs)) {
      if (call.startedAtMs < freeAtMs) continue;
      count += 1;
      freeAtMs = call.endedAtMs;
    }
    return count;
  }
}
