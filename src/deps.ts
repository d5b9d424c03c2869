import type { ActivityLog } from './activity/activity-log.ts';
import type { ClientInfo } from './activity/events.ts';
import type { Outbox } from './activity/outbox.ts';
import type { Log } from './log.ts';
import type { Shield, Throttle } from './security/throttle.ts';
import type { SessionStore } from './session/session-store.ts';
import type { Settings } from './settings.ts';
import type { Trace } from './store/store-call.ts';
import type { UserStore } from './user/user-store.ts';

/** Everything a handler reaches outside itself for; interfaces alone, no vendor. */
export interface Deps {
  readonly sessions: SessionStore;
  readonly users: UserStore;
  readonly outbox: Outbox;
  readonly activityLog: ActivityLog;
  readonly throttle: Throttle;
  readonly shield: Shield;
  /** Before each bcrypt; throws `OverloadedError`. */
  readonly cpuTurns: { take(): Promise<void> };
  readonly log: Log;
  readonly clock: Clock;
}

export interface Clock {
  /** Unix time in ms. On Workers it stands still while CPU runs, so it measures waits, not work. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/**
 * Makes the dependencies of one request or run. `foreground` calls give up in time for the answer,
 * `background` ones may take longer, as nobody waits for them.
 */
export type DepsFactory = (trace: Trace, pace: 'foreground' | 'background') => Deps;

/** What the work for one request may use, whichever door it came through. */
export interface RequestScope {
  readonly requestId: string;
  readonly settings: Settings;
  readonly client: ClientInfo;
  readonly deps: Deps;
  /**
   * Does work behind the answer (`waitUntil`), with dependencies that may take longer. What it throws is logged
   * and otherwise lost, so the work is such that somebody else (the cron, the next request) does it again.
   */
  afterAnswer(task: string, work: (deps: Deps) => Promise<unknown>): void;
}
