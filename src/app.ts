import { Hono } from './http/hono.ts';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { assertionKeys, authz } from './api/authz.ts';
import { apiV1 } from './api/v1.ts';
import { ServiceError, type Reason } from './errors.ts';
import { API_PATH, AUTHZ_PATH } from './http/api-path.ts';
import { appendTrailingSlash, requireHttps } from './http/canonical-address.ts';
import { provideContext, type AppContext, type Service } from './http/context.ts';
import { allowOrigins } from './http/cross-origin.ts';
import { djangoAddresses } from './http/django-addresses.ts';
import { health } from './http/health.ts';
import { observeRequests } from './http/observe-requests.ts';
import { securityHeaders } from './http/security-headers.ts';
import { apiDocsPage } from './pages/api-docs.tsx';
import { assets } from './pages/assets.ts';
import { respondWithReason } from './pages/error-page.tsx';
import { homePage } from './pages/home.tsx';
import { landingPage } from './pages/landing.tsx';
import { logoutPage } from './pages/logout.tsx';
import { passwordPage } from './pages/password.tsx';
import { sessionsPage } from './pages/sessions.tsx';
import { signInPage } from './pages/sign-in.tsx';

const BODY_MAX_BYTES = 64 * 1024;
/** Their bodies are never read, and Hono can't limit them. */
const METHODS_WITHOUT_BODY = ['GET', 'HEAD'];

/** The whole service as one Hono app: what every request goes through, then the routes. Each says whom it lets in. */
export function createApp(service: Service): Hono {
  const { settings } = service;
  const app = new Hono();
  const pages = new Hono()
    .basePath(settings.BASE_PATH)
    .route('/', landingPage)
    .route('/', assets(settings))
    .route('/', signInPage(settings.LOGIN_URL))
    .route('/', homePage)
    .route('/', logoutPage)
    .route('/', sessionsPage)
    .route('/', passwordPage);
  const aliases = djangoAddresses(settings);
  const pagePaths = [...pages.routes, ...aliases.routes].map((route) => route.path);

  // Ours alone: a client that chose it could pass its lines off as another's. Theirs is logged beside it.
  app.use(requestId({ headerName: '' }));
  app.use(provideContext(service));
  app.use(observeRequests);
  // A proxy asks here with any method, and reads the whole response into a small buffer.
  app.route(AUTHZ_PATH, authz(settings, pagePaths));
  app.use(securityHeaders(settings));
  app.use(requireHttps);
  app.use(`${API_PATH}/*`, allowOrigins(settings));
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.use(appendTrailingSlash(pagePaths));
  app.use((c, next) => (METHODS_WITHOUT_BODY.includes(c.req.method) ? next() : limitBody(c, next)));

  app.route('/', health(service));
  app.route('/', assertionKeys(settings));
  app.route('/', pages);
  app.route(API_PATH, apiV1);
  app.route(API_PATH, apiDocsPage);
  app.route('/', aliases);

  app.notFound((c) => respondWithReason(c, { code: 'not_found' }));
  app.onError((error, c) => respondWithReason(c, reasonOf(error, c)));
  return app;
}

const onMethodNotAllowed = (c: AppContext, allow: string[]): Response | Promise<Response> =>
  respondWithReason(c, { code: 'method_not_allowed', allow });

const limitBody = bodyLimit({
  maxSize: BODY_MAX_BYTES,
  onError: () => {
    throw new ServiceError({ code: 'body_too_large' });
  },
});

/** The reason behind whatever was thrown. The unexpected is logged without its text, which could hold anything. */
function reasonOf(error: Error, c: AppContext): Reason {
  if (error instanceof ServiceError) return error.reason;
  // Hono's parsers throw it for a body that isn't what its type says.
  if (error instanceof HTTPException && error.status === 400) return { code: 'malformed_body' };
  c.get('request').log.event('internal_error', {
    request_id: c.get('request').requestId,
    error: error.name,
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim())
      .slice(0, 8),
  });
  return { code: 'internal_error' };
}
