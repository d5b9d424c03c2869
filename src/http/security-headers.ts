import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { isImageData } from '../lib/site-look.ts';
import type { Settings } from '../settings.ts';
import { API_DOCS_PATH, API_PATH } from './api-path.ts';
import type { AppEnv } from './context.ts';

type Options = NonNullable<Parameters<typeof secureHeaders>[0]>;

/** No response may be sniffed, framed or embedded. */
const EVERYWHERE: Options = {
  xFrameOptions: 'DENY',
  // Set below, on https alone.
  strictTransportSecurity: false,
  // Only browsers of the past know these.
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xXssProtection: false,
};

/** What browsers heed for documents alone, left out. */
const ON_API: Options = {
  ...EVERYWHERE,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  xPermittedCrossDomainPolicies: false,
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
};

/**
 * Puts security headers on a response (OWASP Secure Headers Project; for the API its REST Security Cheat Sheet; ASVS 5.0
 * V3.4). No script runs at all.
 */
export function securityHeaders(settings: Settings): MiddlewareHandler<AppEnv> {
  const redirectOrigins = [settings.LOGIN_REDIRECT_URL, settings.ACCOUNT_LOGOUT_REDIRECT_URL].flatMap(
    (target) => (target.startsWith('/') ? [] : [new URL(target).origin]),
  );
  const setOnApi = secureHeaders(ON_API);
  const setOnPages = secureHeaders({
    ...EVERYWHERE,
    // The strictest one under which browsers still send a true `Origin` with our own forms.
    referrerPolicy: 'same-origin',
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", ...(isImageData(settings.SITE_LOGO) ? ['data:'] : [])],
      // The response to a form may redirect to an allowed host, and Chrome applies `form-action` to that too.
      formAction: ["'self'", ...settings.ALLOWED_REDIRECT_HOSTS, ...redirectOrigins],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
  });

  return async function securityHeaders(c, next) {
    const { path } = c.req;
    const isApi = path.startsWith(API_PATH) && path !== API_DOCS_PATH;
    await (isApi ? setOnApi : setOnPages)(c, next);
    const { headers } = c.res;
    if (c.get('request').url.protocol === 'https:')
      headers.set('Strict-Transport-Security', 'max-age=31536000');
    // What isn't an asset may depend on a session: no cache, and no way Back after the sign-out.
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
  };
}
