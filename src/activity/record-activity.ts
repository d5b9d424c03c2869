import type { Clock } from '../lib/clock.ts';
import type { Log, LogEvent, LogFields } from '../log.ts';
import { deliver, type ActivityStores } from './delivery.ts';
import type { Activity, LoginOutcome } from './events.ts';
import type { OutboxEntry } from './outbox.ts';

/** What is needed to record what a request did. */
export interface ActivityWork {
  readonly requestId: string;
  readonly log: Log;
  readonly clock: Clock;
  /**
   * Runs after the response (`waitUntil`), with stores that may take longer. What it throws is logged and otherwise
   * lost, so what must not be lost is also picked up by the cron or the next request.
   */
  inBackground(task: string, run: (stores: ActivityStores) => Promise<unknown>): void;
}

/** Logs these events and writes their rows in the background; what fails stays in the outbox for the cron. */
export function recordInBackground(work: ActivityWork, entries: readonly OutboxEntry<Activity>[]): void {
  for (const { activity } of entries) logActivity(work, activity);
  deliverInBackground(work, entries);
}

export function deliverInBackground(work: ActivityWork, entries: readonly OutboxEntry<Activity>[]): void {
  if (entries.length === 0) return;
  work.inBackground('deliver_activity', (stores) =>
    deliver({ stores, log: work.log, nowMs: work.clock.nowMs() }, entries),
  );
}

const LOGIN_EVENTS: Record<LoginOutcome, LogEvent> = {
  success: 'authn_login_success',
  bad_credentials: 'authn_login_fail',
  inactive: 'authn_login_fail',
  throttled: 'authn_login_fail_max',
};

/** The log line beside the row, for alerts, which can't wait for a query. It holds no name. */
export function logActivity(
  { requestId, log }: Pick<ActivityWork, 'requestId' | 'log'>,
  activity: Activity,
): void {
  const isLogin = activity.type === 'login';
  const fields: LogFields = {
    request_id: requestId,
    activity_id: activity.id,
    user_id: activity.userId,
    session_id: activity.sessionId,
    reason: isLogin ? activity.outcome : activity.reason,
    ip_address: activity.client.ipAddress,
  };
  log.event(isLogin ? LOGIN_EVENTS[activity.outcome] : 'session_expired', fields);
}
