import { ServiceError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { STORE_TIMEOUT_MS } from '../store/call-store.ts';
import type { StoreTrace } from '../store/store-trace.ts';

/** A bcrypt that can't begin within this time would leave its response too little of the 5 s. */
const SLOT_WAIT_MAX_MS = 2500;
/** Long enough for the runtime to read its sockets once. */
const SLOT_MS = 1;

/** Slots of this isolate's CPU, each for one password hash of a tenth of a second. */
export interface CpuSlots {
  /** Waits for a slot; the time counts towards the request's budget. Throws `overloaded` if it takes too long. */
  take(trace: StoreTrace): Promise<void>;
}

/**
 * Lets the runtime read its sockets between two bcrypts. Otherwise forty sign-ins at once would run forty bcrypts in a
 * row, while the stores' replies to the first of them lie unread until they time out.
 *
 * Requests share a number and no promise: on Workers, one request must not settle a promise of another.
 */
export function cpuSlots(clock: Clock): CpuSlots {
  let taken = 0;
  return {
    async take(trace) {
      const startedAtMs = clock.nowMs();
      const leftMs = trace.leftMs();
      // The store call after the hash needs its time, or the wait would look like a time-out of that store.
      const giveUpAtMs =
        startedAtMs + Math.min(SLOT_WAIT_MAX_MS, leftMs - Math.min(STORE_TIMEOUT_MS, leftMs / 2));
      try {
        for (;;) {
          const seen = taken;
          await clock.sleep(SLOT_MS);
          // Of all that wake up together the first one goes; the others see that, and sleep again.
          if (taken === seen) break;
          if (clock.nowMs() >= giveUpAtMs) throw new ServiceError({ code: 'overloaded' });
        }
        taken += 1;
      } finally {
        trace.addSlotWait(clock.nowMs() - startedAtMs);
      }
    },
  };
}
