import { mysqlActivityLog } from './activity/mysql-activity-log.ts';
import { redisOutbox } from './activity/redis-outbox.ts';
import { redisWebhookQueue } from './activity/redis-webhook-queue.ts';
import { eventSender } from './activity/send-event.ts';
import { streamsOf } from './activity/webhook-queue.ts';
import type { Stores } from './auth/auth-work.ts';
import { mysqlUserStore } from './auth/mysql-user-store.ts';
import { redisPasswordChanges } from './auth/redis-password-changes.ts';
import { redisThrottle } from './auth/redis-throttle.ts';
import { redisSessionEnds } from './session/redis-session-ends.ts';
import { redisSessionStore } from './session/redis-session-store.ts';
import type { Settings } from './settings.ts';
import { BACKGROUND_STORE_TIMEOUT_MS, STORE_TIMEOUT_MS } from './store/call-store.ts';
import { redisClient, upstashRedis } from './store/redis-client.ts';
import { planetscaleClient, sqlClient } from './store/sql-client.ts';
import type { StoreTrace } from './store/store-trace.ts';

/** The two stores that the settings name. Returns what opens them for one request or one run of the cron. */
export function connectStores(settings: Settings) {
  const connect = (timeoutMs: number) => ({
    timeoutMs,
    redis: upstashRedis(
      { url: settings.UPSTASH_REDIS_REST_URL, token: settings.UPSTASH_REDIS_REST_TOKEN },
      timeoutMs,
    ),
    sql: planetscaleClient(settings.DATABASE_URL, timeoutMs),
  });
  const clients = {
    foreground: connect(STORE_TIMEOUT_MS),
    background: connect(BACKGROUND_STORE_TIMEOUT_MS),
  };
  const receivers = settings.WEBHOOKS;
  const streams = streamsOf(receivers);
  const webhooks = {
    receivers,
    issuer: settings.PUBLIC_URL,
    send: eventSender(settings),
  };

  return function openStores(trace: StoreTrace, pace: keyof typeof clients): Stores {
    const { timeoutMs, ...client } = clients[pace];
    const redis = redisClient(client.redis, timeoutMs, trace);
    const sql = sqlClient(client.sql, timeoutMs, trace);
    return {
      sessions: redisSessionStore(redis, settings.SESSION_READS, streams),
      sessionEnds: redisSessionEnds(redis, streams),
      outbox: redisOutbox(redis, streams.failure),
      webhooks: { ...webhooks, queue: redisWebhookQueue(redis) },
      throttle: redisThrottle(redis, settings.SECRET_KEY),
      users: mysqlUserStore(sql),
      passwordChanges: redisPasswordChanges(redis),
      activityLog: mysqlActivityLog(sql),
    };
  };
}
