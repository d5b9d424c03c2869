import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { DepsFactory } from '../deps.ts';
import type { Log } from '../log.ts';
import { readClientInfo } from '../security/client-info.ts';
import type { CsrfTokens } from '../security/csrf.ts';
import { readPresentedCookies } from '../session/cookies.ts';
import type { Settings } from '../settings.ts';
import { NO_TRACE, StoreUnavailableError } from '../store/store-call.ts';
import { storeTrace } from '../store/store-trace.ts';
import type { AppEnv, RequestContext } from './request-context.ts';

/** Gives each request its context and each answer its log line. */
export function observeRequests(
  settings: Settings,
  depsFor: DepsFactory,
  csrf: CsrfTokens,
  log: Log,
): MiddlewareHandler<AppEnv> {
  return async function observeRequests(c, next) {
    const trace = storeTrace();
    const deps = depsFor(trace, 'foreground');
    const requestId = c.get('requestId');
    const startedAtMs = deps.clock.nowMs();
    const request: RequestContext = {
      requestId,
      url: new URL(c.req.url),
      settings,
      client: readClientInfo(c.req.raw),
      cookies: readPresentedCookies(c.req.header('Cookie') ?? null, settings),
      csrf,
      deps,
      afterAnswer(task, work) {
        // Begun in a later turn, so that it never delays the answer.
        const run = Promise.resolve()
          .then(() => work(depsFor(NO_TRACE, 'background')))
          .catch((error: unknown) =>
            log.event('background_failed', { request_id: requestId, task, ...faultOf(error) }),
          );
        c.executionCtx.waitUntil(run);
      },
    };
    c.set('request', request);
    c.set('outcome', 'ok');
    await next();
    log.event('request', {
      request_id: requestId,
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      duration_ms: deps.clock.nowMs() - startedAtMs,
      store_waits: trace.waits(),
      outcome: c.get('outcome'),
    });
  };
}

function faultOf(error: unknown): { store?: string; fault?: string; error?: string } {
  if (error instanceof StoreUnavailableError) return { store: error.store, fault: error.fault };
  return { error: error instanceof Error ? error.name : typeof error };
}
