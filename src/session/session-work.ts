import type { ActivityWork, BackgroundStores } from '../activity/record-activity.ts';
import type { ClientInfo } from '../lib/client-info.ts';
import { uuidV7 } from '../lib/ids.ts';
import type { Settings } from '../settings.ts';
import type { SessionEnds } from './session-ends.ts';
import type { Operation, SessionStore } from './session-store.ts';

export interface SessionStores extends BackgroundStores {
  readonly sessions: SessionStore;
  readonly sessionEnds: SessionEnds;
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
