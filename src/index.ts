import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { cpuSlots } from './auth/cpu-slots.ts';
import { cloudflareShield } from './auth/shield.ts';
import { runCron } from './cron.ts';
import { openWork, type AppEnv, type Service } from './http/context.ts';
import { readBareToken, readCredentials } from './http/credentials.ts';
import { csrfTokens } from './http/csrf-tokens.ts';
import { verifySession, type Verification } from './http/verify-session.ts';
import { nameVersion } from './http/worker-version.ts';
import { SYSTEM_CLOCK as clock } from './lib/clock.ts';
import { consoleLog as log } from './log.ts';
import { parseSettings } from './settings.ts';
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

function respond(request: Request, env: object, context: ExecutionContext): Response | Promise<Response> {
  const entry = entryFor(env);
  if (entry !== null) return entry.app.fetch(request, env, context);
  // The Worker is alive even with malformed settings.
  return isHealthCheck(request)
    ? new Response('ok\n')
    : new Response('Internal Server Error\n', { status: 500 });
}

export default {
  async fetch(request, env, context) {
    return nameVersion(request, env, await respond(request, env, context));
  },

  /** Each minute. */
  async scheduled(_controller, env) {
    const entry = entryFor(env);
    if (entry === null) return;
    const { settings, openStores } = entry.service;
    await runCron({ stores: openStores(new StoreTrace(), 'background'), settings, clock, log });
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
