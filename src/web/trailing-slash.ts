import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from './request-context.ts';

/**
 * Redirects a page's address without its trailing slash to the one with it, the query kept; 308 keeps a POST a
 * POST. (Hono's own middleware does so for GET alone, and for addresses that nobody has.)
 */
export function trailingSlash(pagePaths: readonly string[]): MiddlewareHandler<AppEnv> {
  const withoutSlash = new Set(
    pagePaths.filter((path) => path.length > 1 && path.endsWith('/')).map((path) => path.slice(0, -1)),
  );
  for (const path of pagePaths) withoutSlash.delete(path);

  return async function trailingSlash(c, next) {
    if (!withoutSlash.has(c.req.path)) return next();
    const { url } = c.get('request');
    c.set('outcome', 'redirected');
    return c.redirect(`${url.pathname}/${url.search}`, 308);
  };
}
