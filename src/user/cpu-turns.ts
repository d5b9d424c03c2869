import type { Clock } from '../deps.ts';

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
  /** Resolves when it is this request's turn. Throws `OverloadedError` after too long a wait. */
  take(): Promise<void>;
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
    async take() {
      const giveUpAtMs = clock.nowMs() + TURN_WAIT_MAX_MS;
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
