import type { Deps, DepsFactory } from '../../src/deps.ts';
import { CapturedLog } from './captured-log.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryActivityLog } from './memory-activity-log.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryShield } from './memory-shield.ts';
import { MemorySessionStore } from './memory-session-store.ts';
import { MemoryThrottle } from './memory-throttle.ts';
import { MemoryUserStore } from './memory-user-store.ts';
import { Outage } from './outage.ts';

/** All dependencies in memory, as the fakes that they are, so that a test may look inside. */
export interface MemoryDeps extends Deps {
  readonly sessions: MemorySessionStore;
  readonly users: MemoryUserStore;
  readonly outbox: MemoryOutbox;
  readonly activityLog: MemoryActivityLog;
  readonly throttle: MemoryThrottle;
  readonly shield: MemoryShield;
  readonly log: CapturedLog;
  readonly clock: ManualClock;
}

/** A whole world in memory: its dependencies, the switch for its outages, and the factory that the app takes. */
export function openMemoryDeps(nowMs?: number): {
  readonly deps: MemoryDeps;
  readonly outage: Outage;
  /** Foreground and background see the same stores. Waits are told to the trace by the outage's counter only. */
  readonly depsFor: DepsFactory;
} {
  const clock = new ManualClock(nowMs);
  const outage = new Outage();
  const outbox = new MemoryOutbox(clock, outage);
  const users = new MemoryUserStore(outage);
  const deps: MemoryDeps = {
    clock,
    outbox,
    users,
    sessions: new MemorySessionStore(clock, outbox, outage),
    activityLog: new MemoryActivityLog(users, outage),
    throttle: new MemoryThrottle(clock, outage),
    shield: new MemoryShield(),
    log: new CapturedLog(),
    cpuTurns: { take: () => Promise.resolve() },
  };
  return { deps, outage, depsFor: () => deps };
}
