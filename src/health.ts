import { Hono } from 'hono/tiny';
import { RETRY_AFTER_OUTAGE_SECONDS } from './errors.ts';
import type { AppEnv } from './web/request-context.ts';

/** For load balancers and monitors. */
export const health = new Hono<AppEnv>()
  /** The Worker runs; no store is asked. */
  .get('/healthz', (c) => c.text('ok\n'))

  /** Both stores answer, and what waits in the outbox. Events that were set aside are told, but are no outage. */
  .get('/readyz', async (c) => {
    const { deps } = c.get('request');
    const [redis, database] = await Promise.allSettled([deps.outbox.status(), deps.activityLog.ping()]);
    const isReady = redis.status === 'fulfilled' && database.status === 'fulfilled';
    const outbox = redis.status === 'fulfilled' ? redis.value : null;
    if (!isReady) c.header('Retry-After', String(RETRY_AFTER_OUTAGE_SECONDS));
    return c.json(
      {
        status: isReady ? 'ok' : 'unavailable',
        redis: redis.status === 'fulfilled' ? 'ok' : 'unavailable',
        database: database.status === 'fulfilled' ? 'ok' : 'unavailable',
        // Null: without Redis nobody knows.
        outbox:
          outbox === null
            ? null
            : {
                pending: outbox.pending,
                set_aside: outbox.setAside,
                oldest_at: outbox.oldestAtMs === null ? null : new Date(outbox.oldestAtMs).toISOString(),
              },
      },
      isReady ? 200 : 503,
    );
  });
