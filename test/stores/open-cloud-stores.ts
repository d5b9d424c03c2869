import type { Redis } from 'ioredis';
import { mysqlActivityLog } from '../../src/activity/mysql-activity-log.ts';
import { redisOutbox } from '../../src/activity/redis-outbox.ts';
import { redisWebhookQueue } from '../../src/activity/redis-webhook-queue.ts';
import { mysqlUserStore } from '../../src/auth/mysql-user-store.ts';
import { redisPasswordChanges } from '../../src/auth/redis-password-changes.ts';
import { redisThrottle } from '../../src/auth/redis-throttle.ts';
import { parseDatabaseUrl, type DatabaseCredentials } from '../../src/lib/database-url.ts';
import { redisSessionEnds } from '../../src/session/redis-session-ends.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import { redisClient, upstashRedis } from '../../src/store/redis-client.ts';
import { planetscaleClient, sqlClient } from '../../src/store/sql-client.ts';
import { StoreTrace } from '../../src/store/store-trace.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { SECRET_KEY } from '../support/worker.ts';

/** Long enough for a busy machine; tests of time-outs pass a shorter one. */
const TIMEOUT_MS = 10_000;

/** The real adapters over a local cloud. */
export function openCloudStores(cloud: CloudProxy, timeoutMs = TIMEOUT_MS) {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = cloud.env;
  const redis = redisClient(upstashRedis({ url, token }, timeoutMs), timeoutMs, new StoreTrace());
  const credentials = databaseCredentials(cloud);
  const sql = sqlClient(planetscaleClient(credentials, timeoutMs), timeoutMs, new StoreTrace());
  return {
    redis,
    sql,
    sessions: redisSessionStore(redis),
    sessionEnds: redisSessionEnds(redis),
    outbox: redisOutbox(redis),
    throttle: redisThrottle(redis, SECRET_KEY),
    users: mysqlUserStore(sql),
    passwordChanges: redisPasswordChanges(redis),
    activityLog: mysqlActivityLog(sql),
    webhooks: {
      receivers: [],
      issuer: '',
      queue: redisWebhookQueue(redis),
      send: () => Promise.reject(new Error('There are no receivers.')),
    },
  };
}

export function databaseCredentials(cloud: CloudProxy): DatabaseCredentials {
  const credentials = parseDatabaseUrl(cloud.env.DATABASE_URL);
  if (credentials === null) throw new Error('the local cloud has a malformed DATABASE_URL');
  return credentials;
}

/** Lets time pass for everything in Redis: each TTL is shortened, and what has expired is deleted. */
export async function shortenTtls(redis: Redis, ms: number): Promise<void> {
  for (const key of await redis.keys('*')) {
    const leftMs = await redis.pttl(key);
    if (leftMs < 0) continue;
    if (leftMs <= ms) await redis.del(key);
    else await redis.pexpire(key, leftMs - ms);
  }
}
