import type { MiddlewareHandler } from 'hono';
import { ServiceError } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';

/** Throws `unsupported_media_type` for a body that isn't JSON, before anything reads it. */
export function requireJson(): MiddlewareHandler<AppEnv> {
  return async function requireJson(c, next) {
    const type = c.req.header('Content-Type') ?? '';
    if (!/^application\/json\s*(?:;|$)/i.test(type)) {
      throw new ServiceError({ code: 'unsupported_media_type', wanted: 'json' });
    }
    return next();
  };
}
