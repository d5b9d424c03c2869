import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Settings } from '../settings.ts';
import type { AppContext, AppEnv } from './context.ts';
import { CSRF_HEADER } from './csrf.ts';

/** How long a browser may go on without asking again (Chromium takes two hours at most). */
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

/**
 * Lets scripts of `CORS_ORIGINS` call the API (Fetch standard, "CORS protocol"). Other origins get none of its headers,
 * which is a refusal. Their cookies reach us from the same site only, and then unsafe methods need the CSRF token.
 */
export function allowOrigins({ CORS_ORIGINS }: Settings): MiddlewareHandler<AppEnv> {
  const allow = cors({
    origin: (origin) => origin,
    credentials: true,
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', CSRF_HEADER],
    exposeHeaders: [CSRF_HEADER, 'Retry-After', 'X-Request-Id'],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
  });
  return async function allowOrigins(c, next) {
    if (CORS_ORIGINS.includes(c.req.header('Origin') ?? '')) return allow(c, next);
    await next();
    if (CORS_ORIGINS.length > 0) c.header('Vary', 'Origin', { append: true });
  };
}

/** Whether this is a script of an origin that may read our responses and post to us with a cookie. */
export function isTrustedScript(c: AppContext): boolean {
  const { CORS_ORIGINS, CSRF_TRUSTED_ORIGINS } = c.get('request').settings;
  const origin = c.req.header('Origin') ?? '';
  return CORS_ORIGINS.includes(origin) && CSRF_TRUSTED_ORIGINS.includes(origin);
}
