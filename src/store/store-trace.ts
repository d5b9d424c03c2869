import type { Trace } from './store-call.ts';

/** The waits of one request on the stores. */
export interface StoreTrace extends Trace {
  /** How many there were one after the other: waits that overlap count as one. */
  waits(): number;
  /** Time in ms during which at least one wait was under way. */
  spentMs(): number;
}

/** `budgetMs`: what the request may spend on stores in all. `storeFault` is told of each wait without an answer. */
export function storeTrace(budgetMs: number, storeFault: Trace['storeFault'] = () => undefined): StoreTrace {
  const calls: { startedAtMs: number; endedAtMs: number }[] = [];
  let turnsMs = 0;
  const spentMs = (): number => {
    let sumMs = 0;
    let freeAtMs = Number.NEGATIVE_INFINITY;
    for (const call of [...calls].sort((a, b) => a.startedAtMs - b.startedAtMs)) {
      sumMs += Math.max(0, call.endedAtMs - Math.max(call.startedAtMs, freeAtMs));
      freeAtMs = Math.max(freeAtMs, call.endedAtMs);
    }
    return sumMs;
  };
  return {
    storeWait(_store, startedAtMs, endedAtMs) {
      calls.push({ startedAtMs, endedAtMs });
    },
    storeFault,
    spentMs,
    turnWait: (ms) => {
      turnsMs += ms;
    },
    leftMs: () => budgetMs - spentMs() - turnsMs,
    waits() {
      let count = 0;
      let freeAtMs = Number.NEGATIVE_INFINITY;
      for (const call of [...calls].sort((a, b) => a.endedAtMs - b.endedAtMs)) {
        if (call.startedAtMs < freeAtMs) continue;
        count += 1;
        freeAtMs = call.endedAtMs;
      }
      return count;
    },
  };
}
