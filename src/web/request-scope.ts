import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { ClientInfo } from '../activity/events.ts';
import type { Deps, DepsFactory, RequestScope } from '../deps.ts';
import type { Log, LogEvent } from '../log.ts';
import { readClientInfo } from '../security/client-info.ts';
import type { CsrfTokens } from '../security/csrf.ts';
import { readPresentedCookies, type PresentedCookies } from '../session/cookies.ts';
import type { Settings } from '../settings.ts';
import { NO_TRACE, storeBudgetMs, StoreUnavailableError, type Trace } from '../store/store-call.ts';
import { StoreTrace } from '../store/store-trace.ts';
import type { AppContext, AppEnv, RequestContext } from './request-context.ts';

/** What an alert may look for in a request that was refused, in OWASP's words; `lifecycle.ts` logs the rest. */
const SECURITY_EVENTS: Readonly<Record<string, LogEvent>> = {
  invalid_fields: 'input_validation_fail',
  malformed_body: 'input_validation_fail',
  csrf_failed: 'authz_fail',
  foreign_origin: 'malicious_cors',
  throttled: 'excess_rate_limit_exceeded',
};

/** An id from outside is taken where it can harm neither a header nor a log. */
const REQUEST_ID_PATTERN = /^[\w=-]{1,64}$/;

/** Gives each request its id and its context, and each answer its headers and its log line. */
export function observeRequests(
  settings: Settings,
  depsFor: DepsFactory,
  csrf: CsrfTokens,
  log: Log,
  setSecurityHeaders: (c: AppContext) => void,
): MiddlewareHandler<AppEnv> {
  return async function observeRequests(c, next) {
    const givenId = c.req.header('X-Request-Id') ?? '';
    const requestId = REQUEST_ID_PATTERN.test(givenId) ? givenId : crypto.randomUUID();
    c.set('requestId', requestId);
    const trace = new StoreTrace(storeBudgetMs(settings.BCRYPT_ROUNDS), (store, fault) =>
      log.event('store_unavailable', { request_id: requestId, store, fault }),
    );

    const request = new HttpRequest(
      { requestId, settings, depsFor, trace, log, waitUntil: (work) => c.executionCtx.waitUntil(work) },
      c.req.raw,
      csrf,
    );
    const startedAtMs = request.deps.clock.nowMs();
    c.set('request', request);
    c.set('outcome', 'ok');
    await next();
    // For whoever looks at a slow page (W3C Server Timing). Times on reads alone: what a sign-in took, to the
    // millisecond and without the network, is nobody's business.
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    const spent = isRead ? `;dur=${trace.spentMs()}` : '';
    setSecurityHeaders(c);
    c.res.headers.set('X-Request-Id', requestId);
    c.res.headers.set('Server-Timing', `store;desc="${trace.waits()} waits"${spent}`);
    const route = routePath(c, -1);
    const outcome = c.get('outcome');
    const securityEvent = SECURITY_EVENTS[outcome];
    if (securityEvent !== undefined) {
      const { ipAddress } = request.client;
      log.event(securityEvent, { request_id: requestId, route, reason: outcome, ip_address: ipAddress });
    }
    log.event('request', {
      request_id: requestId,
      method: c.req.method,
      route,
      status: c.res.status,
      duration_ms: request.deps.clock.nowMs() - startedAtMs,
      store_waits: trace.waits(),
      outcome,
    });
  };
}

interface ScopeParts {
  readonly requestId: string;
  readonly settings: Settings;
  readonly depsFor: DepsFactory;
  readonly trace: Trace;
  readonly log: Log;
  /** Keeps the Worker alive for work behind the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

const NOBODY: ClientInfo = { ipAddress: null, userAgent: null, country: null };

/**
 * What the work for one request may use. Headers are read when somebody asks for what they say: each look crosses
 * into the runtime, and a check of a session needs one of them.
 */
export class Scope implements RequestScope {
  readonly requestId: string;
  readonly settings: Settings;
  readonly deps: Deps;
  readonly #request: Request | null;
  readonly #parts: ScopeParts;
  #client: ClientInfo | undefined;

  /** `request` null: a question without one, from another Worker. */
  constructor(parts: ScopeParts, request: Request | null) {
    this.requestId = parts.requestId;
    this.settings = parts.settings;
    this.deps = parts.depsFor(parts.trace, 'foreground');
    this.#request = request;
    this.#parts = parts;
  }

  get client(): ClientInfo {
    return (this.#client ??= this.#request === null ? NOBODY : readClientInfo(this.#request));
  }

  afterAnswer(task: string, work: (deps: Deps) => Promise<unknown>): void {
    const { depsFor, log, waitUntil } = this.#parts;
    // Begun at the handler's next wait; nothing waits for it.
    const run = Promise.resolve()
      .then(() => work(depsFor(NO_TRACE, 'background')))
      .catch((error: unknown) =>
        log.event('background_failed', { request_id: this.requestId, task, ...faultOf(error) }),
      );
    waitUntil(run);
  }
}

class HttpRequest extends Scope implements RequestContext {
  readonly csrf: CsrfTokens;
  readonly #request: Request;
  #url: URL | undefined;
  #cookies: PresentedCookies | undefined;

  constructor(parts: ScopeParts, request: Request, csrf: CsrfTokens) {
    super(parts, request);
    this.#request = request;
    this.csrf = csrf;
  }

  get url(): URL {
    return (this.#url ??= new URL(this.#request.url));
  }

  get cookies(): PresentedCookies {
    return (this.#cookies ??= readPresentedCookies(this.#request.headers.get('Cookie'), this.settings));
  }
}

function faultOf(error: unknown): { store?: string; fault?: string; error?: string } {
  if (error instanceof StoreUnavailableError) return { store: error.store, fault: error.fault };
  return { error: error instanceof Error ? error.name : typeof error };
}
