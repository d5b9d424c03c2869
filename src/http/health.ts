import { Hono } from './hono.ts';
import type { OutboxStatus } from '../activity/outbox.ts';
import type { Stores } from '../auth/auth-work.ts';
import { equalInConstantTime } from '../lib/hash.ts';
import { bearerOf } from './credentials.ts';
import type { Service } from './context.ts';
import { RETRY_AFTER_OUTAGE_SECONDS } from './problems.ts';

/** The endpoint is public, so a result is reused for this long. */
const READINESS_AGE_MS = 5000;

interface Readiness {
  readonly isRedisReady: boolean;
  readonly isDatabaseReady: boolean;
  /** Null: only Redis knows. */
  readonly outbox: OutboxStatus | null;
}

/** For load balancers and monitors. */
export function health({ settings, clock }: Pick<Service, 'settings' | 'clock'>): Hono {
  let latest: { readonly startedAtMs: number; readonly readiness: Promise<Readiness> } | null = null;

  return (
    new Hono()
      /** The Worker runs; no store is asked. */
      .get('/healthz', (c) => c.text('ok\n'))

      /**
       * Whether both stores do what a sign-in needs, and what is in the outbox. Events set aside are reported, but are no
       * outage.
       */
      .get('/readyz', async (c) => {
        const nowMs = clock.nowMs();
        if (latest === null || nowMs - latest.startedAtMs >= READINESS_AGE_MS) {
          const readiness = checkReadiness(c.get('request'));
          latest = { startedAtMs: nowMs, readiness };
          // Others may wait for it when this client has gone.
          c.executionCtx.waitUntil(readiness);
        }
        const { isRedisReady, isDatabaseReady, outbox } = await latest.readiness;
        const isReady = isRedisReady && isDatabaseReady;
        if (!isReady) c.header('Retry-After', String(RETRY_AFTER_OUTAGE_SECONDS));
        const status = wordFor(isReady);
        if (!maySeeDetails(c.req.header('Authorization'), settings.READYZ_TOKEN))
          return c.json({ status }, isReady ? 200 : 503);
        return c.json(
          {
            status,
            redis: wordFor(isRedisReady),
            database: wordFor(isDatabaseReady),
            outbox: outbox && {
              pending: outbox.pending,
              set_aside: outbox.setAside,
              unrecorded: outbox.unrecorded,
              dropped_attempts: outbox.droppedAttempts,
              oldest_at: outbox.oldestAtMs === null ? null : new Date(outbox.oldestAtMs).toISOString(),
            },
          },
          isReady ? 200 : 503,
        );
      })
  );
}

const wordFor = (isReady: boolean): string => (isReady ? 'ok' : 'unavailable');

/** Never rejects. */
async function checkReadiness({
  outbox,
  activityLog,
  users,
}: Pick<Stores, 'outbox' | 'activityLog' | 'users'>): Promise<Readiness> {
  const [status, writable, activity, user] = await Promise.allSettled([
    outbox.status(),
    outbox.ping(),
    activityLog.ping(),
    users.ping(),
  ]);
  return {
    isRedisReady: status.status === 'fulfilled' && writable.status === 'fulfilled',
    isDatabaseReady: activity.status === 'fulfilled' && user.status === 'fulfilled',
    outbox: status.status === 'fulfilled' ? status.value : null,
  };
}

/** `token` is READYZ_TOKEN; empty: everyone may. */
function maySeeDetails(authorization: string | undefined, token: string): boolean {
  if (token === '') return true;
  return equalInConstantTime(bearerOf(authorization) ?? '', token);
}
