import type { StoreFault, StoreName } from '../errors.ts';

interface Call {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

interface StoreTraceOptions {
  /** What the request may spend on stores in all, in ms. Default: no limit. */
  readonly budgetMs?: number;
  /** Called for each call that ended without a result. */
  readonly onFault?: (store: StoreName, fault: StoreFault) => void;
}

/** The calls of one request to its stores: for its time limit and its log line. */
export class StoreTrace {
  readonly reportFault: (store: StoreName, fault: StoreFault) => void;
  readonly #budgetMs: number;
  readonly #calls: Call[] = [];
  #slotsMs = 0;

  constructor({ budgetMs = Number.POSITIVE_INFINITY, onFault = () => undefined }: StoreTraceOptions = {}) {
    this.#budgetMs = budgetMs;
    this.reportFault = onFault;
  }

  /** Times in Unix ms. */
  addCall(startedAtMs: number, endedAtMs: number): void {
    this.#calls.push({ startedAtMs, endedAtMs });
  }

  /** The request waited this long, in ms, for a CPU slot. */
  addSlotWait(ms: number): void {
    this.#slotsMs += ms;
  }

  /** What is left of the budget, in ms. */
  leftMs(): number {
    return this.#budgetMs - this.spentMs() - this.#slotsMs;
  }

  /** Time in ms during which at least one call was under way. */
  spentMs(): number {
    let sumMs = 0;
    let freeAtMs = Number.NEGATIVE_INFINITY;
    for (const call of this.#calls.sort((a, b) => a.startedAtMs - b.startedAtMs)) {
      sumMs += Math.max(0, call.endedAtMs - Math.max(call.startedAtMs, freeAtMs));
      freeAtMs = Math.max(freeAtMs, call.endedAtMs);
    }
    return sumMs;
  }

  /** How many calls there were one after the other; those that overlap count as one. */
  roundTrips(): number {
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
