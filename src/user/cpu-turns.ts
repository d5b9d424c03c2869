import type { Clock } from '../deps.ts';
import type { Trace } from '../store/store-call.ts';

/** A bcrypt that cannot begin within this time would not leave its answer the 5 s it has. */
const TURN_WAIT_MAX_MS = 2500;
/** Long enough for the runtime to look at its sockets once. */
const TURN_MS = 1;

/** So many passwords are being checked that this one would come too late. The caller answers 503. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
}

/** Whose turn it is to use the CPU of this isolate for a tenth of a second. */
export interface CpuTurns {
  /** Resolves when it is this request's turn, at most `leftMs` later. Throws `OverloadedError` after too long a wait. */
  take(leftMs: number): Promise<void>;
}

/** The turns of one request; what it waits for them is taken from the time that it may spend on stores. */
export function cpuTurnsOf(turns: CpuTurns, clock: Clock, trace: Trace): { take(): Promise<void> } {
  return {
    async take() {
      const startedAtMs = clock.nowMs();
      try {
        await turns.take(trace.leftMs());
      } finally {
        trace.turnWait?.(clock.nowMs() - startedAtMs);
      }
    },
  };
}

/**
 * Lets the runtime look at its sockets between two bcrypts. Without this, forty sign-ins at once run forty bcrypts
 * in a row, and the answers of the stores to the first of them lie unread until their time-outs have passed.
 *
 * Requests share a number and no promise: a promise of one request must not be settled by another on Workers.
 */
export function cpuTurns(clock: Clock): CpuTurns {
  let taken = 0;
  return {
    async take(leftMs) {
      const giveUpAtMs = clock.nowMs() + Math.min(TURN_WAIT_MAX_MS, leftMs);
      for (;;) {
        const seen = taken;
        await clock.sleep(TURN_MS);
        // Of all who wake up together the first one goes; the others see that, and sleep once more.
        if (taken === seen) break;
        if (clock.nowMs() >= giveUpAtMs) throw new OverloadedError();
      }
      taken += 1;
    },
  };
}
