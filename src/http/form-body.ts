import type { MiddlewareHandler } from 'hono';
import { ServiceError } from '../errors.ts';
import type { AppContext, AppEnv } from './context.ts';

/** Content types of HTML forms (HTML standard, "Form submission") but `text/plain`, which can't be read back. */
const FORM_TYPE = /^(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i;

const contentType = (c: AppContext): string => c.req.header('Content-Type') ?? '';

/** Throws `unsupported_media_type` for a body of another type. A request without a body or a type has no fields. */
export function requireForm(): MiddlewareHandler<AppEnv> {
  return async function requireForm(c, next) {
    const isEmpty = c.req.raw.body === null || c.req.header('Content-Length') === '0';
    if (!isEmpty && contentType(c) !== '' && !FORM_TYPE.test(contentType(c))) {
      throw new ServiceError({ code: 'unsupported_media_type', wanted: 'form' });
    }
    return next();
  };
}

/** The fields of the form as they came; none without a form. Throws `malformed_body`. */
export async function readForm(c: AppContext): Promise<Record<string, unknown>> {
  if (!FORM_TYPE.test(contentType(c))) return {};
  try {
    return await c.req.parseBody();
  } catch {
    throw new ServiceError({ code: 'malformed_body' });
  }
}
