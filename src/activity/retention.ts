import type { ActivityLog } from './activity-log.ts';

/** Rows deleted by one statement, so that none holds its locks for long. */
export const RETENTION_BATCH_SIZE = 1000;

const DAY_MS = 86_400_000;

/** Deletes rows older than `retentionDays`, in small batches while `hasTime`; 0 deletes none. Returns how many were deleted. */
export async function deleteOldActivity(
  activityLog: ActivityLog,
  retentionDays: number,
  nowMs: number,
  hasTime: () => boolean,
): Promise<number> {
  if (retentionDays === 0) return 0;
  let deleted = 0;
  while (hasTime()) {
    const count = await activityLog.deleteBefore(nowMs - retentionDays * DAY_MS, RETENTION_BATCH_SIZE);
    deleted += count;
    if (count < RETENTION_BATCH_SIZE) break;
  }
  return deleted;
}
