import type { MiddlewareHandler } from 'hono';
import { isLocalHttp } from '../lib/local-http.ts';
import type { AppEnv } from './context.ts';

/** Redirects plain http to https; 308 keeps a POST a POST. */
export const requireHttps: MiddlewareHandler<AppEnv> = (c, next) => {
  // What was received, whatever PUBLIC_URL says.
  const { url } = c.req;
  if (url.startsWith('https:') || isLocalHttp(new URL(url)) || c.req.path === '/healthz') return next();
  c.set('outcome', 'redirected');
  const secure = new URL(c.get('request').url);
  secure.protocol = 'https:';
  return Promise.resolve(c.redirect(secure.href, 308));
};

/**
 * Redirects a page's address without its trailing slash to the one with it, the query kept. (Hono's own middleware for
 * slashes redirects GET alone, and addresses that don't exist.)
 */
export function appendTrailingSlash(pagePaths: readonly string[]): MiddlewareHandler<AppEnv> {
  const withoutSlash = new Set(
    pagePaths.filter((path) => path.length > 1 && path.endsWith('/')).map((path) => path.slice(0, -1)),
  );
  for (const path of pagePaths) withoutSlash.delete(path);

  return function appendTrailingSlash(c, next) {
    const { path } = c.req;
    if (!withoutSlash.has(path)) return next();
    c.set('outcome', 'redirected');
    return Promise.resolve(c.redirect(`${path}/${c.get('request').url.search}`, 308));
  };
}
