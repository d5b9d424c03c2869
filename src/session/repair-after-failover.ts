import type { LogoutCursor } from '../activity/activity-log.ts';
import type { Log } from '../log.ts';
import type { SessionStores } from './session-work.ts';

/** The cron runs each minute, so it looks at each sign-out in two runs. */
const LOOK_BACK_MS = 150_000;
/** Sign-outs looked at by one script. */
const REPAIR_BATCH_SIZE = 500;

/**
 * Ends sessions that a failover of Redis has brought back: Upstash may then lose its last writes, but the row of a
 * sign-out is in MySQL. Looks at the sign-outs of the last minutes and ends what is open among them, without a second row;
 * more of them than `hasTime` allows are looked at in part.
 *
 * @throws `store_unavailable`; the next run looks again
 */
export async function repairAfterFailover(
  { sessions, activityLog }: SessionStores,
  log: Log,
  nowMs: number,
  hasTime: () => boolean,
): Promise<void> {
  let after: LogoutCursor | null = null;
  while (hasTime()) {
    const ended = await activityLog.listEndedSince(nowMs - LOOK_BACK_MS, REPAIR_BATCH_SIZE, after);
    const reopened = new Set(await sessions.endAgain(ended, nowMs));
    for (const { sessionId, userId, reason } of ended) {
      if (!reopened.has(sessionId)) continue;
      log.event('session_ended_again', { session_id: sessionId, user_id: userId, reason });
    }
    after = ended.at(-1) ?? null;
    if (ended.length < REPAIR_BATCH_SIZE) return;
  }
}
