import { beforeEach, expect, test } from 'vitest';
import { EXPIRED_BATCH_SIZE, endExpiredSessions } from '../../../src/session/end-expired-sessions.ts';
import { openMemoryStores } from '../../fakes/memory-stores.ts';
import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import { newTokenHash, newUserId, sampleSession, sampleStart } from '../../fakes/samples.ts';
import { NO_LIMIT, shareOf } from '../../fakes/time-share.ts';

const IDLE_SECONDS = 600;
let memory: ReturnType<typeof openMemoryStores>;
beforeEach(() => {
  memory = openMemoryStores();
});

/** Starts sessions whose sign-ins have their rows, and lets them expire. */
async function expire(count: number): Promise<void> {
  const { stores, clock } = memory;
  for (let i = 0; i < count; i += 1) {
    const session = sampleSession(clock.nowMs(), { userId: newUserId(), idleAgeSeconds: IDLE_SECONDS });
    const started = await stores.sessions.start(sampleStart(session, newTokenHash()));
    if (started.status === 'started') await stores.outbox.remove([started.loginEntryId ?? '']);
  }
  clock.advance(IDLE_SECONDS * 1000 + 60_000);
}

const run = (hasTime = NO_LIMIT) => endExpiredSessions(memory.stores, memory, hasTime);
const rows = () => [...memory.stores.activityLog.logouts.values()];
const pending = async () => (await memory.stores.outbox.readOldest(10_000)).length;

test('ends what has expired and writes the rows; there is no line in the log for each', async () => {
  await expire(3);
  expect(await run()).toBe(3);
  expect(rows().map(({ reason }) => reason)).toEqual(['expired_idle', 'expired_idle', 'expired_idle']);
  expect(await pending()).toBe(0);
  expect(memory.log.entries).toEqual([]);
  expect(await run()).toBe(0);
});

test('ends no more than a batch when its time is over, and the rest in the next runs', async () => {
  await expire(2 * EXPIRED_BATCH_SIZE + 10);
  // One look for the minute, one for each further batch.
  expect(await run(shareOf(1))).toBe(EXPIRED_BATCH_SIZE);
  expect(await run(shareOf(2))).toBe(EXPIRED_BATCH_SIZE + 10);
  expect(rows()).toHaveLength(2 * EXPIRED_BATCH_SIZE + 10);
});

test('with MySQL out, one batch waits in the outbox, and no session more ends', async () => {
  await expire(EXPIRED_BATCH_SIZE + 10);
  memory.outage.refuse('database');
  await expect(run()).rejects.toMatchObject(STORE_UNAVAILABLE);
  expect(await pending()).toBe(EXPIRED_BATCH_SIZE);
  memory.outage.heal();
  expect(await run()).toBe(10);
  expect(rows()).toHaveLength(10);
  expect(await pending()).toBe(EXPIRED_BATCH_SIZE);
});

test('with Redis out, nothing has ended', async () => {
  await expire(1);
  memory.outage.refuse('redis');
  await expect(run()).rejects.toMatchObject(STORE_UNAVAILABLE);
  memory.outage.heal();
  expect(await run()).toBe(1);
});
