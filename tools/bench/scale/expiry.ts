import type { Redis } from 'ioredis';
import { addCrowd } from '../crowd.ts';
import { dataBytes } from '../memory.ts';
import { IDLE_AGE_SECONDS, OUTBOX_KEY } from '../seed.ts';
import type { TestEnvironment } from '../test-environment.ts';
import { runCron, startWorkerd, type Worker } from '../workerd.ts';
import { MYSQL_SIZES } from './delivery.ts';
import { emptyStores } from './planted-events.ts';

/** How long ago they ended: their minute is over. */
const ENDED_AGO_MS = 120_000;

export interface Expiry {
  sessions: number;
  /** One after the other, without a pause. */
  runs: { sessions: number; elapsedMs: number; redisMs: number; mysqlMs: number }[];
  /** Of the scripts that end sessions: all else in Redis waits for so long. */
  script: { meanMs: number; p99Ms: number; longestMs: number };
  /** What the sessions take in Redis, and what is left of them when all have ended. */
  bytesPerSession: number;
  bytesLeftPerSession: number;
}

/** Lets the cron end so many sessions that expired in the same minute. */
export async function measureExpiry(
  { cloud }: TestEnvironment,
  service: Worker,
  sessions: number,
): Promise<Expiry> {
  console.log(`Ending ${sessions.toLocaleString('en')} sessions that expired in one minute`);
  const { redis } = cloud;
  for (const statement of MYSQL_SIZES) await cloud.query(statement).catch(() => undefined);
  await emptyStores(cloud);
  const empty = await dataBytes(redis);
  const beganAtMs = Date.now() - IDLE_AGE_SECONDS * 1000 - ENDED_AGO_MS;
  const minute = await addCrowd(redis, sessions, beganAtMs);
  const full = await dataBytes(redis);
  await using worker = await startWorkerd(service, { cron: true });
  const runs: Expiry['runs'] = [];
  const scriptsMs: number[] = [];
  for (let left = await redis.scard(minute); left > 0;) {
    await redis.config('SET', 'slowlog-log-slower-than', '0');
    await redis.config('SET', 'slowlog-max-len', '100000');
    await redis.slowlog('RESET');
    cloud.calls.length = 0;
    const startedAt = performance.now();
    await runCron(worker);
    const elapsedMs = performance.now() - startedAt;
    scriptsMs.push(...(await endingScriptsMs(redis)));
    const now = await redis.scard(minute);
    if (now === left) throw new Error(`A run of the cron ended nothing, ${left} sessions are left`);
    const inStore = { redis: 0, mysql: 0 };
    for (const { store, startedAtMs, endedAtMs } of cloud.calls) inStore[store] += endedAtMs - startedAtMs;
    runs.push({ sessions: left - now, elapsedMs, redisMs: inStore.redis, mysqlMs: inStore.mysql });
    left = now;
  }
  await checkEnds({ cloud }, sessions);
  await redis.slowlog('RESET');
  scriptsMs.sort((a, b) => a - b);
  const meanMs = scriptsMs.reduce((sum, ms) => sum + ms, 0) / scriptsMs.length;
  return {
    sessions,
    runs,
    script: {
      meanMs,
      p99Ms: scriptsMs[Math.floor(scriptsMs.length * 0.99)] ?? Number.NaN,
      longestMs: scriptsMs.at(-1) ?? Number.NaN,
    },
    bytesPerSession: (full - empty) / sessions,
    bytesLeftPerSession: ((await dataBytes(redis)) - empty) / sessions,
  };
}

/** How long each script that began at the outbox took, in ms. */
async function endingScriptsMs(redis: Redis): Promise<number[]> {
  const entries = (await redis.slowlog('GET', '-1')) as [number, number, number, string[]][];
  return entries.flatMap(([, , micros, [name, , , firstKey]]) =>
    name?.toLowerCase() === 'eval' && firstKey === OUTBOX_KEY ? [micros / 1000] : [],
  );
}

/** Throws unless each session has exactly one row. */
async function checkEnds({ cloud }: Pick<TestEnvironment, 'cloud'>, sessions: number): Promise<void> {
  const [row] = await cloud.query(
    "SELECT COUNT(*) AS total, COUNT(DISTINCT session_id) AS sessions FROM logout_activity WHERE reason = 'expired_idle'",
  );
  const [total, distinct] = [Number(row?.['total']), Number(row?.['sessions'])];
  if (total !== sessions || distinct !== sessions)
    throw new Error(`${total} rows for ${distinct} sessions, but ${sessions} expired`);
}
