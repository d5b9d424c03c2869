import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { Settings } from '../settings.ts';
import type { AppEnv } from './request-context.ts';

const HSTS = 'max-age=31536000';

/**
 * Security headers on every answer (OWASP Secure Headers Project; ASVS 5.0 V3.4). No script runs at all. A form's
 * answer may redirect to the allowed hosts, which Chrome judges by `form-action` too. `same-origin` is the
 * strictest Referrer-Policy under which browsers still send a true `Origin` with our own forms.
 */
export function pageHeaders(settings: Settings): MiddlewareHandler<AppEnv> {
  const redirectOrigins = [settings.LOGIN_REDIRECT_URL, settings.ACCOUNT_LOGOUT_REDIRECT_URL].flatMap(
    (target) => (target.startsWith('/') ? [] : [new URL(target).origin]),
  );
  const options = {
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      formAction: ["'self'", ...settings.ALLOWED_REDIRECT_HOSTS, ...redirectOrigins],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
    xDownloadOptions: false,
    xDnsPrefetchControl: false,
    xXssProtection: false,
  };
  const onHttp = secureHeaders({ ...options, strictTransportSecurity: false });
  const onHttps = secureHeaders({ ...options, strictTransportSecurity: HSTS });

  return async function pageHeaders(c, next) {
    await (c.req.url.startsWith('https:') ? onHttps : onHttp)(c, next);
    // Whatever is not an asset may depend on a session: no cache, and no way Back after the sign-out.
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store');
  };
}
