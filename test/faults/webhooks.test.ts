import { expect, test } from 'vitest';
import { queueKey, stateKey } from '../../src/activity/redis-webhook-queue.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { openReceiver, status, type TestReceiver } from '../support/event-receiver.ts';
import { inParallel } from '../support/in-parallel.ts';
import { addUser, eventually } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useCloud } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

// Many sign-outs, and receivers of which one is bad in each way: every event arrives at each, and the good one's in time.

const environment = useCloud();
const KEY = newSigningKey();
const SIGN_OUTS = 200;
const MINUTE_MS = 60_000;

/** A minute passes in Redis: what is queued is old enough for the cron, and who backs off may be tried. */
async function passMinute(receiver: TestReceiver): Promise<void> {
  const { redis } = environment.cloud;
  await redis.hset(stateKey(receiver.name), 'until', 0);
  const key = queueKey(receiver.name);
  const entries = await redis.xrange(key, '-', '+');
  await redis.del(key);
  const pipeline = redis.pipeline();
  for (const [i, [, fields]] of entries.entries())
    pipeline.xadd(key, `${Date.now() - MINUTE_MS}-${i + 1}`, ...fields);
  await pipeline.exec();
}

test('every event arrives at a receiver that fails half the time and is down for a while, and the good one waits for nothing', async () => {
  const { cloud } = environment;
  await using good = await openReceiver('good', [KEY]);
  await using bad = await openReceiver('bad', [KEY]);
  let phase: 'flaky' | 'down' | 'hanging' = 'flaky';
  let pushes = 0;
  const accepted = new Set<string>();
  bad.respond = (response) => {
    const jti = String(bad.pushes.at(-1)?.claims['jti']);
    if (phase === 'hanging') return;
    if (phase === 'down') return response.destroy();
    if ((pushes += 1) % 2 === 0) return status(500)(response);
    accepted.add(jti);
    status(202)(response);
  };
  await using worker = await openWorker({
    cloud,
    bindings: {
      WEBHOOKS: JSON.stringify([bad.setting, good.setting]),
      ASSERTION_KEYS: toKeySet([KEY]),
      PUBLIC_URL: ORIGIN,
    },
  });
  const user = await addUser(cloud);
  const endedAtMs = new Map<string, number>();
  const signOut = async (): Promise<void> => {
    const { token } = await seedSession(cloud, user, { kind: 'bearer' });
    const headers = { Authorization: `Bearer ${token}` };
    const response = await worker.fetch(`${ORIGIN}/api/v1/sessions/current`, { method: 'DELETE', headers });
    const { logouts } = (await response.json()) as { logouts: { id: string }[] };
    endedAtMs.set(logouts[0]!.id, Date.now());
  };

  for (const next of ['flaky', 'down', 'flaky', 'hanging'] as const) {
    phase = next;
    await inParallel(Array.from({ length: SIGN_OUTS / 4 }), signOut);
  }
  const all = [...endedAtMs.keys()].sort();
  expect(all).toHaveLength(SIGN_OUTS);
  await eventually(() => expect(good.jtis().sort()).toEqual(all));
  const lateMs = good.pushes
    .map(({ claims, atMs }) => atMs - (endedAtMs.get(String(claims['jti'])) ?? 0))
    .sort((a, b) => a - b);
  expect(lateMs[Math.floor(lateMs.length * 0.99)]).toBeLessThan(2000);
  await worker.delivered();

  phase = 'flaky';
  for (let minute = 0; accepted.size < all.length && minute < 30; minute += 1) {
    await passMinute(bad);
    await worker.scheduled();
  }
  expect([...accepted].sort()).toEqual(all);
  expect(await cloud.redis.xlen(queueKey('good'))).toBe(0);
  const [{ n } = { n: 0 }] = await cloud.query('SELECT COUNT(*) AS n FROM logout_activity');
  expect(Number(n)).toBe(SIGN_OUTS);
});
