import type { Hono } from 'hono';
import { answerReason } from './answers.tsx';
import type { AppContext, AppEnv } from './request-context.ts';

/**
 * Answers what no route takes: 405 with `Allow` where other methods have a route, 404 elsewhere. (Hono's own
 * middleware does it beside each request, with a second router in the bundle.)
 */
export const answerUnmatched = (app: Hono<AppEnv>) =>
  function answerUnmatched(c: AppContext): Response | Promise<Response> {
    const allow = methodsAt(app, c.req.path);
    return answerReason(c, allow.length > 0 ? { code: 'method_not_allowed', allow } : { code: 'not_found' });
  };

/** Middleware is registered for every address, a route for one. */
const isRoute = ({ path }: { readonly path: string }): boolean => !path.endsWith('*');

function methodsAt(app: Hono<AppEnv>, path: string): string[] {
  const methods = new Set(app.routes.filter(isRoute).map((route) => route.method));
  return [...methods]
    .filter((method) => app.router.match(method, path)[0].some(([[, route]]) => isRoute(route)))
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
