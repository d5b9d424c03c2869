import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Hono } from 'hono';
import { deliverPending } from './activity/delivery.ts';
import { deleteOldActivity } from './activity/retention.ts';
import { createApp } from './app.ts';
import type { Stores } from './auth/auth-work.ts';
import { cpuSlots } from './auth/cpu-slots.ts';
import { settlePasswordChanges } from './auth/settle-password-changes.ts';
import { cloudflareShield } from './auth/shield.ts';
import { isStoreUnavailable } from './errors.ts';
import { repairAfterFailover } from './session/repair-after-failover.ts';
import { openWork, type AppEnv, type Service } from './http/context.ts';
import { readBareToken, readCredentials } from './http/credentials.ts';
import { csrfTokens } from './http/csrf-tokens.ts';
import { verifySession, type Verification } from './http/verify-session.ts';
import { SYSTEM_CLOCK as clock } from './lib/clock.ts';
import { consoleLog as log } from './log.ts';
import { parseSettings, type Settings } from './settings.ts';
import { StoreTrace } from './store/store-trace.ts';
import { connectStores } from './stores.ts';

interface Entry {
  readonly service: Service;
  readonly app: Hono<AppEnv>;
}

/** Built once for each `env` object that the runtime passes: one for requests, maybe another for RPC. */
const entries = new WeakMap<object, Entry>();

/** Null: the bindings are malformed, which is logged each time, by name. */
function entryFor(env: object): Entry | null {
  const known = entries.get(env);
  if (known !== undefined) return known;
  const result = parseSettings(env);
  if (!result.ok) {
    log.event('settings_malformed', { settings: result.malformed });
    return null;
  }
  const { settings } = result;
  const service: Service = {
    settings,
    clock,
    log,
    shield: cloudflareShield(env),
    cpuSlots: cpuSlots(clock),
    csrf: csrfTokens([settings.SECRET_KEY, ...settings.SECRET_KEY_FALLBACKS]),
    openStores: connectStores(settings),
  };
  const entry = { service, app: createApp(service) };
  entries.set(env, entry);
  return entry;
}

const isHealthCheck = (request: Request): boolean =>
  ['GET', 'HEAD'].includes(request.method) && new URL(request.url).pathname === '/healthz';

/** In this order: what must end, its rows, what a failover brought back, and what only tidies up. */
const CRON_STEPS: readonly (readonly [
  task: string,
  run: (stores: Stores, settings: Settings) => Promise<void>,
])[] = [
  ['settle_password_changes', (stores) => settlePasswordChanges(stores, { log, clock })],
  [
    'deliver_activity',
    async (stores) => {
      const count = await deliverPending({ stores, log, nowMs: clock.nowMs() });
      if (count > 0) log.event('activity_delivery', { count });
    },
  ],
  ['repair_after_failover', (stores) => repairAfterFailover(stores, log, clock.nowMs())],
  [
    'delete_old_activity',
    async ({ activityLog }, { ACTIVITY_RETENTION_DAYS: days }) => {
      const count = await deleteOldActivity(activityLog, days, clock.nowMs());
      if (count > 0) log.event('activity_retention', { count });
    },
  ],
];

export default {
  fetch(request, env, context) {
    const entry = entryFor(env);
    if (entry !== null) return entry.app.fetch(request, env, context);
    // The Worker is alive even with malformed settings.
    return isHealthCheck(request)
      ? new Response('ok\n')
      : new Response('Internal Server Error\n', { status: 500 });
  },

  /** Each minute: what requests couldn't finish, each step by itself, so that none holds up another. */
  async scheduled(_controller, env) {
    const entry = entryFor(env);
    if (entry === null) return;
    const stores = entry.service.openStores(new StoreTrace(), 'background');
    for (const [task, run] of CRON_STEPS) {
      try {
        await run(stores, entry.service.settings);
      } catch (error) {
        if (isStoreUnavailable(error)) {
          const { store, fault } = error.reason;
          log.event('store_unavailable', { store, fault, task });
        } else {
          log.event('background_failed', { task, error: error instanceof Error ? error.name : typeof error });
        }
      }
    }
  },
} satisfies ExportedHandler<Record<string, unknown>>;

/** For other Workers, over a service binding: `services = [{ binding, service, entrypoint = "SessionService" }]`. */
export class SessionService extends WorkerEntrypoint {
  /**
   * Who is this? Takes a request as it came in, or a bare token. `unknown` means that a store is unavailable or that this
   * service isn't set up; it doesn't mean signed out. See `verifySession`.
   */
  async verify(offered: Request | string | null | undefined): Promise<Verification> {
    const entry = entryFor(this.env);
    if (entry === null) return { status: 'unknown' };
    const { service } = entry;
    const isRequest = typeof offered === 'object' && offered !== null;
    const work = openWork(service, {
      requestId: crypto.randomUUID(),
      request: isRequest ? offered : null,
      task: 'verify',
      waitUntil: (task) => this.ctx.waitUntil(task),
    });
    const credentials = isRequest
      ? readCredentials(offered.headers, service.settings)
      : readBareToken(offered ?? '');
    return verifySession(work, credentials);
  }
}
