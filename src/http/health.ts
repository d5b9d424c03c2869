import { Hono } from 'hono';
import type { AppEnv } from './context.ts';
import { RETRY_AFTER_OUTAGE_SECONDS } from './problems.ts';

/** For load balancers and monitors. */
export const health = new Hono<AppEnv>()
  /** The Worker runs; no store is asked. */
  .get('/healthz', (c) => c.text('ok\n'))

  /** Whether both stores reply, and what is in the outbox. Events set aside are reported, but are no outage. */
  .get('/readyz', async (c) => {
    const { outbox, activityLog } = c.get('request');
    const [redis, database] = await Promise.allSettled([outbox.status(), activityLog.ping()]);
    const isReady = redis.status === 'fulfilled' && database.status === 'fulfilled';
    const status = redis.status === 'fulfilled' ? redis.value : null;
    if (!isReady) c.header('Retry-After', String(RETRY_AFTER_OUTAGE_SECONDS));
    return c.json(
      {
        status: isReady ? 'ok' : 'unavailable',
        redis: redis.status === 'fulfilled' ? 'ok' : 'unavailable',
        database: database.status === 'fulfilled' ? 'ok' : 'unavailable',
        // Null: only Redis knows.
        outbox: status && {
          pending: status.pending,
          set_aside: status.setAside,
          unrecorded: status.unrecorded,
          dropped_attempts: status.droppedAttempts,
          oldest_at: status.oldestAtMs === null ? null : new Date(status.oldestAtMs).toISOString(),
        },
      },
      isReady ? 200 : 503,
    );
  });
