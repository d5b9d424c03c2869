import { Hono } from 'hono/tiny';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { API_PATH, apiV1 } from './api/v1.ts';
import type { DepsFactory } from './deps.ts';
import { RequestError, type Reason } from './errors.ts';
import { health } from './health.ts';
import type { Log } from './log.ts';
import { assets } from './pages/assets.ts';
import { homePage } from './pages/home.tsx';
import { landingPage } from './pages/landing.tsx';
import { logoutPage } from './pages/logout.tsx';
import { passwordPage } from './pages/password.tsx';
import { sessionsPage } from './pages/sessions.tsx';
import { signInPage } from './pages/sign-in.tsx';
import { csrfTokens } from './security/csrf.ts';
import { PasswordUnconfirmedError, SessionsNotEndedError } from './session/change-password.ts';
import { StartRefusedError } from './session/session-store.ts';
import type { Settings } from './settings.ts';
import { StoreUnavailableError } from './store/store-call.ts';
import { OverloadedError } from './user/cpu-turns.ts';
import { answerReason } from './web/answers.tsx';
import { canonicalAddress } from './web/canonical-address.ts';
import { djangoAddresses } from './web/django-addresses.ts';
import type { AppContext, AppEnv } from './web/request-context.ts';
import { observeRequests } from './web/request-scope.ts';
import { securityHeaders } from './web/security-headers.ts';
import { answerUnmatched } from './web/unmatched.ts';

const BODY_MAX_BYTES = 64 * 1024;
/** A GET's body is never read. */
const METHODS_WITH_BODY = ['POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * The service as one Hono app. What every request goes through is little, as a check of a session is little more:
 * what is said of it (id, headers, log line), its address, the length of its body. Then the routes, each of which
 * says itself whom it lets in.
 */
export function createApp(settings: Settings, depsFor: DepsFactory, log: Log): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const csrf = csrfTokens([settings.SECRET_KEY, ...settings.SECRET_KEY_FALLBACKS]);
  const pages = new Hono<AppEnv>()
    .route('/', landingPage)
    .route('/', signInPage(settings.LOGIN_URL))
    .route('/', homePage)
    .route('/', logoutPage)
    .route('/', sessionsPage)
    .route('/', passwordPage);
  const aliases = djangoAddresses(settings);

  app.use(observeRequests(settings, depsFor, csrf, log, securityHeaders(settings, API_PATH)));
  app.use(canonicalAddress([...pages.routes, ...aliases.routes].map((route) => route.path)));
  app.on(
    METHODS_WITH_BODY,
    '*',
    bodyLimit({
      maxSize: BODY_MAX_BYTES,
      onError: (c) => answerReason(c as AppContext, { code: 'body_too_large' }),
    }),
  );

  app.route('/', assets);
  app.route('/', health);
  app.route('/', pages);
  app.route(API_PATH, apiV1);
  app.route('/', aliases);

  app.notFound(answerUnmatched(app));
  app.onError((error, c) => answerReason(c, reasonOf(error, c, log)));
  return app;
}

/** The reason behind whatever was thrown; the unexpected is logged without its text, which could hold anything. */
function reasonOf(error: Error, c: AppContext, log: Log): Reason {
  if (error instanceof RequestError) return error.reason;
  if (error instanceof StoreUnavailableError) return { code: 'store_unavailable', store: error.store };
  if (error instanceof SessionsNotEndedError) {
    return { code: 'store_unavailable', store: 'redis', unconfirmed: 'password_change' };
  }
  if (error instanceof PasswordUnconfirmedError) {
    return { code: 'store_unavailable', store: 'database', unconfirmed: 'new_password' };
  }
  if (error instanceof OverloadedError) return { code: 'overloaded' };
  if (error instanceof StartRefusedError) return { code: 'store_unavailable', store: 'redis' };
  // Thrown by Hono's body parsers for bodies that are not what their type says.
  if (error instanceof HTTPException && error.status === 400) return { code: 'malformed_body' };
  log.event('internal_error', {
    request_id: c.get('requestId'),
    error: error.name,
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim())
      .slice(0, 8),
  });
  return { code: 'internal_error' };
}
