import { isStoreUnavailable } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';

/** Pauses between attempts in the background; together below the 30 s that `waitUntil` allows. */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000] as const;

/** Does background work that an outage must not lose: retries for as long as `waitUntil` allows. */
export async function retryDuringOutage<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      await clock.sleep(pauseMs);
    }
  }
  return work();
}
