import type { Clock } from '../lib/clock.ts';
import type { Log, LogEvent, LogFields } from '../log.ts';
import { retryDuringOutage } from '../store/retry-during-outage.ts';
import { encodeActivity } from './activity-encoding.ts';
import { deliver, type ActivityStores } from './delivery.ts';
import type { Activity, LoginOutcome, LogoutActivity } from './events.ts';
import type { OutboxEntry, RecordedActivity } from './outbox.ts';
import { pushNow, type Webhooks } from './push-webhooks.ts';
import type { QueuedEvent } from './webhook-queue.ts';

export interface BackgroundStores extends ActivityStores {
  readonly webhooks: Webhooks;
}

/** What is needed to record what a request did. */
export interface ActivityWork {
  readonly requestId: string;
  readonly log: Log;
  readonly clock: Clock;
  /**
   * Runs after the response (`waitUntil`), with stores that may take longer. What it throws is logged and otherwise
   * lost, so what must not be lost is also picked up by the cron or the next request.
   */
  inBackground(task: string, run: (stores: BackgroundStores) => Promise<unknown>): void;
}

/**
 * Logs these events, writes their rows and pushes them to receivers in the background. What fails stays in the outbox and
 * the receivers' queues for the cron; of an event that the outbox rejected, the log has all that `hoskie outbox restore`
 * needs.
 */
export function recordInBackground(work: ActivityWork, recorded: readonly RecordedActivity[]): void {
  const rejected = logRecorded(work, recorded);
  deliverInBackground(
    work,
    recorded.filter((each): each is OutboxEntry<Activity> => each.entryId !== null),
  );
  pushInBackground(work, recorded);
  if (rejected.length === 0) return;
  work.inBackground('write_rejected_activity', (stores) =>
    retryDuringOutage(work.clock, () => writeRejected(stores, rejected)),
  );
}

/** Logs these events. Returns those that the outbox rejected, see `logRejected`. */
export function logRecorded(
  work: Pick<ActivityWork, 'requestId' | 'log'>,
  recorded: readonly RecordedActivity[],
): LogoutActivity[] {
  for (const { activity } of recorded) logActivity(work, activity);
  return logRejected(work, recorded);
}

/** Logs those events whole that the outbox rejected, and returns them: the caller writes their rows. */
export function logRejected(
  work: Pick<ActivityWork, 'requestId' | 'log'>,
  recorded: readonly RecordedActivity[],
): LogoutActivity[] {
  logNotQueued(work, recorded);
  const rejected = recorded.flatMap(({ entryId, activity }) =>
    entryId === null && activity.type === 'logout' ? [activity] : [],
  );
  for (const logout of rejected) {
    work.log.event('activity_not_queued', {
      request_id: work.requestId,
      activity_id: logout.id,
      activity: encodeActivity(logout),
    });
  }
  return rejected;
}

/** Writes the rows of log-outs that the outbox rejected. Throws as `ActivityLog` does; the log has them. */
export async function writeRejected(
  { activityLog, outbox }: ActivityStores,
  logouts: readonly LogoutActivity[],
): Promise<void> {
  await activityLog.writeLogouts(logouts);
  await outbox.markRecorded(logouts.map(({ id }) => id));
}

/** A task for each receiver, so that one that hangs delays neither another nor a row. */
export function pushInBackground(work: ActivityWork, recorded: readonly RecordedActivity[]): void {
  const events = recorded.flatMap(({ activity, queuedFor = [] }) =>
    queuedFor.map(({ receiver, entryId }) => ({ receiver, event: { entryId, activity } })),
  );
  for (const [receiver, group] of Map.groupBy(events, (each) => each.receiver)) {
    const ofReceiver: QueuedEvent<Activity>[] = group.map(({ event }) => event);
    work.inBackground('push_webhooks', ({ webhooks }) =>
      pushNow({ webhooks, log: work.log, clock: work.clock }, receiver, ofReceiver),
    );
  }
}

/** A full Redis rejects events. A request pushes them all the same, once. */
function logNotQueued(
  { requestId, log }: Pick<ActivityWork, 'requestId' | 'log'>,
  recorded: readonly RecordedActivity[],
): void {
  for (const { activity, queuedFor = [] } of recorded) {
    for (const { receiver, entryId } of queuedFor) {
      if (entryId !== null) continue;
      log.event('webhook_not_queued', { request_id: requestId, receiver, activity_id: activity.id });
    }
  }
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
