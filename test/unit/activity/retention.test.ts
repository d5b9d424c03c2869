import { beforeEach, expect, test } from 'vitest';
import { deleteOldActivity, RETENTION_BATCH_SIZE } from '../../../src/activity/retention.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import type { MemoryActivityLog } from '../../fakes/memory-activity-log.ts';
import { openMemoryStores } from '../../fakes/memory-stores.ts';
import { STORE_UNAVAILABLE, type Outage } from '../../fakes/outage.ts';
import { sampleLogin, sampleLogout } from '../../fakes/samples.ts';
import { NO_LIMIT, shareOf } from '../../fakes/time-share.ts';

const DAY_MS = 86_400_000;

let activityLog: MemoryActivityLog;
let outage: Outage;
let clock: ManualClock;
beforeEach(() => {
  const memory = openMemoryStores();
  ({ outage, clock } = memory);
  ({ activityLog } = memory.stores);
});

const daysAgo = (days: number): number => clock.nowMs() - days * DAY_MS;

test('deletes rows older than the given days, to the millisecond', async () => {
  const kept = sampleLogout(daysAgo(30));
  await activityLog.writeLogouts([sampleLogout(daysAgo(30) - 1), kept]);
  await activityLog.writeLogins([sampleLogin(daysAgo(30) - 1), sampleLogin(clock.nowMs())]);
  expect(await deleteOldActivity(activityLog, 30, clock.nowMs(), NO_LIMIT)).toBe(2);
  expect([...activityLog.logouts.values()]).toEqual([kept]);
  expect(activityLog.logins.size).toBe(1);
});

test('0 days: nothing is ever deleted, and MySQL is not called', async () => {
  await activityLog.writeLogouts([sampleLogout(0)]);
  const callsBefore = outage.calls.database;
  expect(await deleteOldActivity(activityLog, 0, clock.nowMs(), NO_LIMIT)).toBe(0);
  expect(activityLog.logouts.size).toBe(1);
  expect(outage.calls.database).toBe(callsBefore);
});

test('goes on in small batches until nothing is left', async () => {
  const count = RETENTION_BATCH_SIZE * 2 + 500;
  await activityLog.writeLogouts(Array.from({ length: count }, () => sampleLogout(daysAgo(31))));
  const callsBefore = outage.calls.database;
  expect(await deleteOldActivity(activityLog, 30, clock.nowMs(), NO_LIMIT)).toBe(count);
  expect(outage.calls.database - callsBefore).toBe(3);
});

test('stops when its time is over; the cron runs again', async () => {
  let batches = 0;
  const endless = Object.assign(Object.create(activityLog) as MemoryActivityLog, {
    deleteBefore: async (beforeMs: number, limit: number) => {
      expect([beforeMs, limit]).toEqual([daysAgo(1), RETENTION_BATCH_SIZE]);
      batches += 1;
      return limit;
    },
  });
  const most = 20 * RETENTION_BATCH_SIZE;
  expect(await deleteOldActivity(endless, 1, clock.nowMs(), shareOf(20))).toBe(most);
  expect(batches).toBe(20);
});

test('throws when MySQL is unavailable', async () => {
  outage.refuse('database');
  await expect(deleteOldActivity(activityLog, 1, clock.nowMs(), NO_LIMIT)).rejects.toMatchObject(
    STORE_UNAVAILABLE,
  );
});
