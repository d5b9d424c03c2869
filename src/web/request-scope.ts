import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { DepsFactory, RequestScope } from '../deps.ts';
import type { Log } from '../log.ts';
import { readClientInfo } from '../security/client-info.ts';
import type { CsrfTokens } from '../security/csrf.ts';
import { readPresentedCookies } from '../session/cookies.ts';
import type { Settings } from '../settings.ts';
import { NO_TRACE, storeBudgetMs, StoreUnavailableError, type Trace } from '../store/store-call.ts';
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
    const requestId = c.get('requestId');
    const trace = storeTrace(storeBudgetMs(settings.BCRYPT_ROUNDS), (store, fault) =>
      log.event('store_unavailable', { request_id: requestId, store, fault }),
    );

    const request: RequestContext = {
      ...requestScope({ requestId, settings, depsFor, trace, log }, c.req.raw, (work) =>
        c.executionCtx.waitUntil(work),
      ),
      url: new URL(c.req.url),
      cookies: readPresentedCookies(c.req.header('Cookie') ?? null, settings),
      csrf,
    };
    const startedAtMs = request.deps.clock.nowMs();
    c.set('request', request);
    c.set('outcome', 'ok');
    await next();
    // For whoever looks at a slow page (W3C Server Timing). Times on reads alone: what a sign-in took, to the
    // millisecond and without the network, is nobody's business.
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    const spent = isRead ? `;dur=${trace.spentMs()}` : '';
    c.res.headers.set('Server-Timing', `store;desc="${trace.waits()} waits"${spent}`);
    log.event('request', {
      request_id: requestId,
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      duration_ms: request.deps.clock.nowMs() - startedAtMs,
      store_waits: trace.waits(),
      outcome: c.get('outcome'),
    });
  };
}

export interface ScopeParts {
  readonly requestId: string;
  readonly settings: Settings;
  readonly depsFor: DepsFactory;
  readonly trace: Trace;
  readonly log: Log;
}

/** What the work for one request may use; `waitUntil` keeps the Worker alive for work behind the answer. */
export function requestScope(
  { requestId, settings, depsFor, trace, log }: ScopeParts,
  request: Request | null,
  waitUntil: (work: Promise<unknown>) => void,
): RequestScope {
  return {
    requestId,
    settings,
    client: request === null ? { ipAddress: null, userAgent: null, country: null } : readClientInfo(request),
    deps: depsFor(trace, 'foreground'),
    afterAnswer(task, work) {
      // Begun at the handler's next wait; nothing waits for it.
      const run = Promise.resolve()
        .then(() => work(depsFor(NO_TRACE, 'background')))
        .catch((error: unknown) =>
          log.event('background_failed', { request_id: requestId, task, ...faultOf(error) }),
        );
      waitUntil(run);
    },
  };
}

function faultOf(error: unknown): { store?: string; fault?: string; error?: string } {
  if (error instanceof StoreUnavailableError) return { store: error.store, fault: error.fault };
  return { error: error instanceof Error ? error.name : typeof error };
}
