import type { Stores } from '../../src/auth/auth-work.ts';
import { CapturedLog } from './captured-log.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryActivityLog } from './memory-activity-log.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryPasswordChanges } from './memory-password-changes.ts';
import { MemorySessionEnds } from './memory-session-ends.ts';
import { MemorySessionStore } from './memory-session-store.ts';
import { MemoryThrottle } from './memory-throttle.ts';
import { MemoryUserStore } from './memory-user-store.ts';
import { MemoryWebhookQueue } from './memory-webhook-queue.ts';
import { Outage } from './outage.ts';

/** All stores in memory, as the fakes that they are, so that a test can look inside. */
export interface MemoryStores extends Stores {
  readonly sessions: MemorySessionStore;
  readonly users: MemoryUserStore;
  readonly outbox: MemoryOutbox;
  readonly activityLog: MemoryActivityLog;
  readonly throttle: MemoryThrottle;
  readonly passwordChanges: MemoryPasswordChanges;
}

/** Stores in memory, the clock they share, a log, and the switch for their outages. */
export function openMemoryStores(nowMs?: number) {
  const clock = new ManualClock(nowMs);
  const outage = new Outage();
  const outbox = new MemoryOutbox(clock, outage);
  const users = new MemoryUserStore(outage);
  const sessions = new MemorySessionStore(clock, outbox, outage);
  const stores: MemoryStores = {
    outbox,
    users,
    sessions,
    sessionEnds: new MemorySessionEnds(sessions, outage),
    passwordChanges: new MemoryPasswordChanges(sessions, outage),
    activityLog: new MemoryActivityLog(users, outage),
    throttle: new MemoryThrottle(clock, outage),
    webhooks: {
      receivers: [],
      issuer: '',
      queue: new MemoryWebhookQueue(outage),
      send: () => Promise.reject(new Error('There are no receivers.')),
    },
  };
  return { stores, outage, clock, log: new CapturedLog() };
}
