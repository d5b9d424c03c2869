import type { Trace } from './store-call.ts';

/** The waits of one request on the stores. */
export interface StoreTrace extends Trace {
  /** How many there were one after the other: waits that overlap count as one. */
  waits(): number;
}

export function storeTrace(): StoreTrace {
  const calls: { startedAtMs: number; endedAtMs: number }[] = [];
  return {
    storeWait(_store, startedAtMs, endedAtMs) {
      calls.push({ startedAtMs, endedAtMs });
    },
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
