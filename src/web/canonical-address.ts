import type { MiddlewareHandler } from 'hono';
import { isLocalHttp } from '../session/cookies.ts';
import type { AppEnv } from './request-context.ts';

/**
 * Redirects what came by plain http to https, and a page's address without its trailing slash to the one with it;
 * the query is kept, and 308 keeps a POST a POST. (Hono's own middleware for slashes does so for GET alone, and for
 * addresses that nobody has.)
 */
export function canonicalAddress(pagePaths: readonly string[]): MiddlewareHandler<AppEnv> {
  const withoutSlash = new Set(
    pagePaths.filter((path) => path.length > 1 && path.endsWith('/')).map((path) => path.slice(0, -1)),
  );
  for (const path of pagePaths) withoutSlash.delete(path);

  return function canonicalAddress(c, next) {
    const { path } = c.req;
    const request = c.get('request');
    if (!c.req.url.startsWith('https:') && !isLocalHttp(request.url) && path !== '/healthz') {
      c.set('outcome', 'redirected');
      const { url } = request;
      url.protocol = 'https:';
      return Promise.resolve(c.redirect(url.href, 308));
    }
    if (!withoutSlash.has(path)) return next();
    c.set('outcome', 'redirected');
    return Promise.resolve(c.redirect(`${path}/${request.url.search}`, 308));
  };
}
