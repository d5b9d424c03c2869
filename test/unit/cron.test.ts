import { beforeEach, expect, test } from 'vitest';
import { CRON_STEPS, runCron, type Cron } from '../../src/cron.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { openMemoryWork } from '../fakes/memory-work.ts';
import { newTokenHash, newUserId, sampleLogout, sampleSession, sampleStart } from '../fakes/samples.ts';

const MINUTE_MS = 60_000;

let memory: ReturnType<typeof openMemoryStores>;
let cron: Cron;
beforeEach(() => {
  memory = openMemoryStores();
  cron = { ...memory, settings: openMemoryWork().work.settings };
});

test('what must end comes first, what only tidies up last', () => {
  expect(CRON_STEPS.map(({ task }) => task)).toEqual([
    'settle_password_changes',
    'deliver_activity',
    'end_expired_sessions',
    'repair_after_failover',
    'push_webhooks',
    'delete_old_activity',
  ]);
});

test('all shares together are less than the minute until the next run', () => {
  const shares = CRON_STEPS.map(({ shareMs }) => shareMs);
  for (const share of shares) expect(share).toBeGreaterThan(0);
  expect(shares.reduce((sum, share) => sum + share)).toBeLessThan(MINUTE_MS);
});

test('a step that has more to do than its share allows leaves the others theirs', async () => {
  const { stores, clock } = memory;
  const took: [string, number][] = [];
  const endless = CRON_STEPS.map((step) => ({
    ...step,
    async run(_: Cron, hasTime: () => boolean) {
      const beganAtMs = clock.nowMs();
      while (hasTime()) clock.advance(500);
      took.push([step.task, clock.nowMs() - beganAtMs]);
    },
  }));
  await runCron({ ...cron, stores }, endless);
  expect(took).toEqual(CRON_STEPS.map(({ task, shareMs }) => [task, shareMs]));
});

test('a slow MySQL delays neither the end of expired sessions nor itself beyond a minute', async () => {
  const { stores, clock } = memory;
  for (let i = 0; i < 30_000; i += 1) stores.outbox.put(sampleLogout(clock.nowMs()));
  const session = sampleSession(clock.nowMs(), { userId: newUserId(), idleAgeSeconds: 60 });
  await stores.sessions.start(sampleStart(session, newTokenHash()));
  clock.advance(2 * MINUTE_MS);
  const { activityLog } = stores;
  const write = activityLog.writeLogouts.bind(activityLog);
  activityLog.writeLogouts = async (events) => {
    clock.advance(1000);
    return write(events);
  };
  const beganAtMs = clock.nowMs();
  await runCron(cron);
  expect(clock.nowMs() - beganAtMs).toBeLessThan(MINUTE_MS);
  expect([...activityLog.logouts.values()].map(({ sessionId }) => sessionId)).toContain(session.id);
  expect((await stores.outbox.readOldest(40_000)).length).toBeGreaterThan(10_000);
});

test('a step that fails is logged by name, and the others run', async () => {
  const { log } = memory;
  const run: string[] = [];
  await runCron(cron, [
    { task: 'first', shareMs: 1000, run: () => Promise.reject(new TypeError('secret text')) },
    { task: 'second', shareMs: 1000, run: async () => run.push('second') },
  ]);
  expect(run).toEqual(['second']);
  expect(log.of('background_failed')).toEqual([{ task: 'first', error: 'TypeError' }]);
  expect(log.text()).not.toContain('secret');
});

test('sessions that expired are tried once more when a store was out for a moment', async () => {
  const { stores, clock, outage, log } = memory;
  const session = sampleSession(clock.nowMs(), { userId: newUserId(), idleAgeSeconds: 60 });
  await stores.sessions.start(sampleStart(session, newTokenHash()));
  clock.advance(2 * MINUTE_MS);
  const sleep = clock.sleep.bind(clock);
  clock.sleep = async (ms) => {
    outage.heal();
    return sleep(ms);
  };
  outage.refuse('redis');
  const steps = CRON_STEPS.filter(({ task }) => task === 'end_expired_sessions');
  await runCron(cron, steps);
  expect([...stores.activityLog.logouts.values()]).toMatchObject([{ sessionId: session.id }]);
  expect(log.of('store_unavailable')).toEqual([]);
});

test('a longer outage is logged once, and the other steps keep their time', async () => {
  const { clock, outage, log } = memory;
  outage.refuse('redis');
  const beganAtMs = clock.nowMs();
  await runCron(
    cron,
    CRON_STEPS.filter(({ task }) => task === 'end_expired_sessions'),
  );
  expect(log.of('store_unavailable')).toHaveLength(1);
  expect(clock.nowMs() - beganAtMs).toBeLessThan(5000);
});
