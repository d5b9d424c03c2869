import type { Context, MiddlewareHandler } from 'hono';
import type { RequestIdVariables } from 'hono/request-id';
import type { AuthWork, Stores } from '../auth/auth-work.ts';
import type { CpuSlots } from '../auth/cpu-slots.ts';
import type { Shield } from '../auth/shield.ts';
import { isStoreUnavailable } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { isLocalHost, isLocalHttp } from '../lib/local-http.ts';
import { NO_CLIENT, readClientInfo, type ClientInfo } from '../lib/client-info.ts';
import type { Log } from '../log.ts';
import { readCookieValues } from '../session/cookies.ts';
import type { AuthorizedTokens } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import type { TokenHash } from '../session/token.ts';
import type { Settings } from '../settings.ts';
import { storeBudgetMs } from '../store/call-store.ts';
import { StoreTrace } from '../store/store-trace.ts';
import type { Changing } from './changing-session.ts';
import {
  COOKIES_MAX,
  logIgnoredCookies,
  readCredentials,
  readSessionCookies,
  type Credentials,
} from './credentials.ts';
import type { CsrfTokens } from './csrf-tokens.ts';

/** What all requests of one isolate share. */
export interface Service {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly shield: Shield;
  readonly cpuSlots: CpuSlots;
  readonly csrf: CsrfTokens;
  /** `foreground` calls give up in time for the response; `background` ones may take longer. */
  readonly openStores: (trace: StoreTrace, pace: 'foreground' | 'background') => Stores;
}

/** Everything the work for one request may use. Made once, by the first middleware. */
export interface RequestContext extends AuthWork {
  /** With our public origin. */
  readonly url: URL;
  readonly credentials: Credentials;
  readonly csrf: CsrfTokens;
  /** The CSRF cookies as they were sent: a sibling site may have set one of the same name. The first that verifies counts. */
  readonly csrfCookies: readonly string[];
}

/** The session that a request was let in with. */
export interface SignedIn {
  readonly session: Session;
  readonly tokenHash: TokenHash;
}

export interface AppEnv {
  Variables: RequestIdVariables & {
    request: RequestContext;
    signedIn: SignedIn;
    authorized: AuthorizedTokens;
    changing: Changing;
    /** For the log line: what became of the request, in a word. */
    outcome: string;
  };
}

export type AppContext = Context<AppEnv>;

export function provideContext(service: Service): MiddlewareHandler<AppEnv> {
  const { settings, csrf } = service;
  const publicUrl = publicUrls(settings.PUBLIC_URL);
  return function provideContext(c, next) {
    const { headers } = c.req.raw;
    const work = openWork(service, {
      requestId: c.get('requestId'),
      request: c.req.raw,
      waitUntil: (task) => c.executionCtx.waitUntil(task),
    });
    const readOffered = c.req.path.startsWith('/api/') ? readCredentials : readSessionCookies;
    const offered = {
      url: publicUrl(c.req.url),
      credentials: readOffered(headers, settings),
      csrf,
      csrfCookies: readCookieValues(headers.get('Cookie'), settings.CSRF_COOKIE_NAME).slice(0, COOKIES_MAX),
    };
    logIgnoredCookies(work, offered.credentials);
    // Not spread, which would read the client already.
    c.set('request', Object.assign(work, offered));
    c.set('outcome', 'ok');
    return next();
  };
}

/**
 * Gives a request's address as others know it: under `PUBLIC_URL`, if that is set, whatever Host says. One on this machine
 * holds for requests on this machine alone, as cookies for it may lack Secure.
 */
function publicUrls(publicUrl: string): (address: string) => URL {
  if (publicUrl === '') return (address) => new URL(address);
  const own = new URL(publicUrl);
  const isOnThisMachine = isLocalHttp(own);
  return (address) => {
    const url = new URL(address);
    if (isOnThisMachine && !isLocalHost(url)) return url;
    url.protocol = own.protocol;
    url.hostname = own.hostname;
    url.port = own.port;
    return url;
  };
}

interface Caller {
  readonly requestId: string;
  /** Null: there is none, only a bare token. */
  readonly request: Request | null;
  /** For the log lines of what is not an HTTP request. */
  readonly task?: string;
  readonly waitUntil: (task: Promise<unknown>) => void;
}

/** What one request, or one call from another Worker, works with. */
export function openWork(service: Service, { requestId, request, task, waitUntil }: Caller): AuthWork {
  const { settings, clock, log, shield, cpuSlots } = service;
  let client: ClientInfo | undefined;
  const trace = new StoreTrace({
    budgetMs: storeBudgetMs(settings.BCRYPT_ROUNDS),
    onFault: (store, fault) =>
      log.event('store_unavailable', {
        request_id: requestId,
        store,
        fault,
        ...(task === undefined ? {} : { task }),
      }),
  });
  return {
    ...service.openStores(trace, 'foreground'),
    requestId,
    settings,
    clock,
    log,
    /** Read when it is asked for: each header is a call into the runtime, and a session check needs none of these. */
    get client() {
      return (client ??= request === null ? NO_CLIENT : readClientInfo(request));
    },
    shield,
    cpuSlots,
    trace,
    uninterrupted(run) {
      const result = run();
      waitUntil(result.catch(() => undefined));
      return result;
    },
    inBackground(backgroundTask, run) {
      const stores = service.openStores(new StoreTrace(), 'background');
      // It begins at the handler's next await.
      const done = Promise.resolve()
        .then(() => run(stores))
        .catch((error: unknown) =>
          log.event('background_failed', { request_id: requestId, task: backgroundTask, ...faultOf(error) }),
        );
      waitUntil(done);
    },
  };
}

function faultOf(error: unknown): { store?: string; fault?: string; error?: string } {
  if (isStoreUnavailable(error)) return { store: error.reason.store, fault: error.reason.fault };
  return { error: error instanceof Error ? error.name : typeof error };
}
