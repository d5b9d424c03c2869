import type { Redis } from 'ioredis';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { planetscaleActivityLog } from '../../src/activity/planetscale-activity-log.ts';
import { upstashOutbox } from '../../src/activity/upstash-outbox.ts';
import { upstashThrottle } from '../../src/security/upstash-throttle.ts';
import { upstashSessionStore } from '../../src/session/upstash-session-store.ts';
import { parseDatabaseUrl, type DatabaseCredentials } from '../../src/store/database-url.ts';
import { planetscaleClient, planetscaleConnection } from '../../src/store/planetscale-client.ts';
import { NO_TRACE } from '../../src/store/store-call.ts';
import { upstashClient, upstashConnection } from '../../src/store/upstash-client.ts';
import { planetscaleUserStore } from '../../src/user/planetscale-user-store.ts';

/** Long enough for a busy machine: a test about time-outs passes a shorter one. */
const TIMEOUT_MS = 10_000;

/** The real adapters over a local cloud. */
export function openCloudStores(cloud: CloudProxy, timeoutMs = TIMEOUT_MS) {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = cloud.env;
  const redis = upstashClient(upstashConnection({ url, token }), timeoutMs, NO_TRACE);
  const credentials = databaseCredentials(cloud);
  const sql = planetscaleClient(planetscaleConnection(credentials, timeoutMs), timeoutMs, NO_TRACE);
  return {
    redis,
    sql,
    sessions: upstashSessionStore(redis),
    outbox: upstashOutbox(redis),
    throttle: upstashThrottle(redis),
    users: planetscaleUserStore(sql),
    activityLog: planetscaleActivityLog(sql),
  };
}

export function databaseCredentials(cloud: CloudProxy): DatabaseCredentials {
  const credentials = parseDatabaseUrl(cloud.env.DATABASE_URL);
  if (credentials === null) throw new Error('the local cloud gave a DATABASE_URL that is none');
  return credentials;
}

/** Lets time go by for everything that Redis holds, at once: each life is shortened, what is over goes. */
export async function shortenLives(redis: Redis, ms: number): Promise<void> {
  for (const key of await redis.keys('*')) {
    const leftMs = await redis.pttl(key);
    if (leftMs < 0) continue;
    if (leftMs <= ms) await redis.del(key);
    else await redis.pexpire(key, leftMs - ms);
  }
}
