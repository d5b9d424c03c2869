import type { ActivityStores } from '../activity/delivery.ts';
import type { ActivityWork } from '../activity/record-activity.ts';
import { isStoreUnavailable } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { ClientInfo } from '../lib/client-info.ts';
import { uuidV7 } from '../lib/ids.ts';
import type { Settings } from '../settings.ts';
import type { Operation, SessionStore } from './session-store.ts';

export interface SessionStores extends ActivityStores {
  readonly sessions: SessionStore;
}

/** What starting, resuming and ending sessions needs from a request. */
export interface SessionWork extends ActivityWork, SessionStores {
  readonly settings: Settings;
  readonly client: ClientInfo;
  inBackground(task: string, run: (stores: SessionStores) => Promise<unknown>): void;
}

export function newOperation({ clock, client }: Pick<SessionWork, 'clock' | 'client'>): Operation {
  const nowMs = clock.nowMs();
  return { id: uuidV7(nowMs), nowMs, client };
}

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
