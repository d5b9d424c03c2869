import { deliverPending } from './activity/delivery.ts';
import { pushPending } from './activity/push-webhooks.ts';
import { deleteOldActivity } from './activity/retention.ts';
import type { Stores } from './auth/auth-work.ts';
import { settlePasswordChanges } from './auth/settle-password-changes.ts';
import { isStoreUnavailable } from './errors.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './log.ts';
import { endExpiredSessions } from './session/end-expired-sessions.ts';
import { repairAfterFailover } from './session/repair-after-failover.ts';
import type { Settings } from './settings.ts';

/** What one run works with. */
export interface Cron {
  readonly stores: Stores;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}

interface Step {
  /** As it is in the log. */
  readonly task: string;
  /** After so long the step begins no further batch, and the next run goes on. */
  readonly shareMs: number;
  readonly run: (cron: Cron, hasTime: () => boolean) => Promise<unknown>;
  /** After a store was out it is tried once more: what it didn't come to would be a minute late. */
  readonly isRetried?: boolean;
}

/** Most interruptions of a store are shorter. */
const RETRY_PAUSE_MS = 2000;

/**
 * What the cron does, in this order: what must end, the rows that exist nowhere else, sessions that expired, what a failover
 * brought back, events for others, and last what only tidies up. The shares make less than the minute until the next run.
 */
export const CRON_STEPS: readonly Step[] = [
  {
    task: 'settle_password_changes',
    shareMs: 6000,
    run: ({ stores, log, clock }, hasTime) => settlePasswordChanges(stores, { log, clock }, hasTime),
  },
  {
    task: 'deliver_activity',
    shareMs: 12_000,
    async run({ stores, log, clock }, hasTime) {
      const count = await deliverPending({ stores, log, nowMs: clock.nowMs() }, hasTime);
      if (count > 0) log.event('activity_delivery', { count });
    },
  },
  {
    task: 'end_expired_sessions',
    isRetried: true,
    shareMs: 12_000,
    async run({ stores, log, clock }, hasTime) {
      const count = await endExpiredSessions(stores, { log, clock }, hasTime);
      if (count > 0) log.event('expired_sessions', { count });
    },
  },
  {
    task: 'repair_after_failover',
    shareMs: 4000,
    run: ({ stores, log, clock }, hasTime) => repairAfterFailover(stores, log, clock.nowMs(), hasTime),
  },
  {
    task: 'push_webhooks',
    // A push under way may take 5 s more.
    shareMs: 20_000,
    run: ({ stores: { webhooks }, log, clock }, hasTime) => pushPending({ webhooks, log, clock }, hasTime),
  },
  {
    task: 'delete_old_activity',
    shareMs: 3000,
    async run({ stores, settings, log, clock }, hasTime) {
      const { ACTIVITY_RETENTION_DAYS: days } = settings;
      const count = await deleteOldActivity(stores.activityLog, days, clock.nowMs(), hasTime);
      if (count > 0) log.event('activity_retention', { count });
    },
  },
];

/** One run: each step by itself and with a share of the time, so that none holds up another. */
export async function runCron(cron: Cron, steps = CRON_STEPS): Promise<void> {
  const { clock, log } = cron;
  for (const { task, shareMs, run, isRetried = false } of steps) {
    const endAtMs = clock.nowMs() + shareMs;
    const hasTime = (): boolean => clock.nowMs() < endAtMs;
    try {
      await run(cron, hasTime).catch(async (error: unknown) => {
        if (!isRetried || !isStoreUnavailable(error)) throw error;
        await clock.sleep(RETRY_PAUSE_MS);
        if (!hasTime()) throw error;
        return run(cron, hasTime);
      });
    } catch (error) {
      if (isStoreUnavailable(error)) {
        const { store, fault } = error.reason;
        log.event('store_unavailable', { store, fault, task });
      } else {
        log.event('background_failed', { task, error: error instanceof Error ? error.name : typeof error });
      }
    }
  }
}
