import type { MiddlewareHandler } from 'hono';
import { isLocalHttp } from '../lib/local-http.ts';
import type { AppEnv } from './context.ts';

/**
 * Redirects plain http to https, and a page's address without its trailing slash to the one with it. The query is kept,
 * and 308 keeps a POST a POST. (Hono's own middleware for slashes redirects GET alone, and addresses that don't exist.)
 */
export function canonicalAddress(pagePaths: readonly string[]): MiddlewareHandler<AppEnv> {
  const withoutSlash = new Set(
    pagePaths.filter((path) => path.length > 1 && path.endsWith('/')).map((path) => path.slice(0, -1)),
  );
  for (const path of pagePaths) withoutSlash.delete(path);

  return function canonicalAddress(c, next) {
    const { path } = c.req;
    const { url } = c.get('request');
    if (url.protocol !== 'https:' && !isLocalHttp(url) && path !== '/healthz') {
      c.set('outcome', 'redirected');
      const secure = new URL(url);
      secure.protocol = 'https:';
      return Promise.resolve(c.redirect(secure.href, 308));
    }
    if (!withoutSlash.has(path)) return next();
    c.set('outcome', 'redirected');
    return Promise.resolve(c.redirect(`${path}/${url.search}`, 308));
  };
}
