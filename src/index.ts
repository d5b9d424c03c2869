import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Hono } from 'hono';
import { deleteOldActivity, deliverPending } from './activity/delivery.ts';
import { createApp } from './app.ts';
import type { DepsFactory } from './deps.ts';
import { consoleLog as log } from './log.ts';
import { cloudflareShield } from './security/cloudflare-shield.ts';
import { verifySession, type Verification } from './session/verify-session.ts';
import { parseSettings, type Settings } from './settings.ts';
import { NO_TRACE, storeBudgetMs, StoreUnavailableError } from './store/store-call.ts';
import { StoreTrace } from './store/store-trace.ts';
import type { AppEnv } from './web/request-context.ts';
import { Scope } from './web/request-scope.ts';
import { workerDeps } from './worker-deps.ts';

interface Service {
  readonly settings: Settings;
  readonly app: Hono<AppEnv>;
  readonly depsFor: DepsFactory;
}

/** Built once for each `env` object that the runtime hands in: one for requests, maybe another for RPC. */
const services = new WeakMap<object, Service>();

/** Null: the bindings are malformed, which is logged each time, by name. */
function serviceFor(env: object): Service | null {
  const known = services.get(env);
  if (known !== undefined) return known;
  const result = parseSettings(env);
  if (!result.ok) {
    log.event('settings_malformed', { settings: result.malformed });
    return null;
  }
  const depsFor = workerDeps(result.settings, cloudflareShield(env));
  const service = { settings: result.settings, depsFor, app: createApp(result.settings, depsFor, log) };
  services.set(env, service);
  return service;
}

const isHealthCheck = (request: Request): boolean =>
  ['GET', 'HEAD'].includes(request.method) && new URL(request.url).pathname === '/healthz';

export default {
  async fetch(request, env, context) {
    const service = serviceFor(env);
    // Alive, even with malformed settings.
    if (service === null) {
      return isHealthCheck(request)
        ? new Response('ok\n')
        : new Response('Internal Server Error\n', { status: 500 });
    }
    return service.app.fetch(request, env, context);
  },

  /** Each minute: rows that could not be written right after their answer, then what is past its retention. */
  async scheduled(_controller, env) {
    const service = serviceFor(env);
    if (service === null) return;
    const deps = service.depsFor(NO_TRACE, 'background');
    try {
      const count = await deliverPending(deps, deps.clock.nowMs());
      if (count > 0) log.event('activity_delivery', { count });
      const { ACTIVITY_RETENTION_DAYS } = service.settings;
      const deleted = await deleteOldActivity(deps.activityLog, ACTIVITY_RETENTION_DAYS, deps.clock.nowMs());
      if (deleted > 0) log.event('activity_retention', { count: deleted });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      log.event('store_unavailable', { store: error.store, fault: error.fault, task: 'scheduled' });
    }
  },
} satisfies ExportedHandler<Record<string, unknown>>;

/** What other Workers ask over a service binding: `services = [{ binding, service, entrypoint = "SessionService" }]`. */
export class SessionService extends WorkerEntrypoint {
  /**
   * Who is this? One wait. Takes a request as it came in, or a bare token. `unknown` means that a store is out, or
   * that this service is not set up: not signed out. See `verifySession`.
   */
  async verify(given: Request | string | null): Promise<Verification> {
    const credential = given ?? '';
    const service = serviceFor(this.env);
    if (service === null) return { status: 'unknown' };
    const { settings, depsFor } = service;
    const requestId = crypto.randomUUID();
    const trace = new StoreTrace(storeBudgetMs(settings.BCRYPT_ROUNDS), (store, fault) =>
      log.event('store_unavailable', { request_id: requestId, store, fault, task: 'verify' }),
    );
    const scope = new Scope(
      { requestId, settings, depsFor, trace, log, waitUntil: (work) => this.ctx.waitUntil(work) },
      typeof credential === 'string' ? null : credential,
    );
    return verifySession(scope, credential);
  }
}
