import type { MiddlewareHandler } from 'hono';
import { RequestError } from '../errors.ts';
import { readBearer } from '../session/credential.ts';
import type { Holder } from '../session/session-store.ts';
import { hashToken, type Token } from '../session/token.ts';
import { hasCsrfToken, requireOwnOrigin } from './csrf-guard.ts';
import type { AppContext, AppEnv } from './request-context.ts';

/** The credential of an API request; an `Authorization` header beats a cookie. */
export type ApiCredential =
  | { readonly status: 'missing' }
  /** Shown, but of a form that was never given out. */
  | { readonly status: 'malformed'; readonly kind: Holder['kind'] }
  | { readonly status: 'present'; readonly token: Token; readonly holder: Holder };

export function readApiCredential(c: AppContext): ApiCredential {
  if (c.req.header('Authorization') !== undefined) {
    const bearer = readBearer(c.req.header('Authorization'));
    if (bearer.status === 'missing') return { status: 'missing' };
    if (bearer.status === 'malformed') return { status: 'malformed', kind: 'bearer' };
    return present(bearer.token, 'bearer');
  }
  const { cookies } = c.get('request');
  const token = cookies.tokens[0];
  if (token !== undefined) return present(token, 'cookie');
  return cookies.isPresent ? { status: 'malformed', kind: 'cookie' } : { status: 'missing' };
}

const present = (token: Token, kind: Holder['kind']): ApiCredential => ({
  status: 'present',
  token,
  holder: { tokenHash: hashToken(token), kind },
});

/**
 * The holder of a request that reads or, with `changes`, changes something: then a cookie needs its CSRF token,
 * as a browser sends it on its own; a bearer does not. Throws `not_signed_in`, `foreign_origin`, `csrf_failed`.
 * Whether the holder is an open session is for the store to say, in the same command that does the work.
 */
export async function requireHolder(c: AppContext, intent: 'reads' | 'changes'): Promise<Holder> {
  const credential = readApiCredential(c);
  if (credential.status !== 'present') throw new RequestError({ code: 'not_signed_in' });
  const { holder } = credential;
  if (intent === 'changes' && holder.kind === 'cookie') {
    requireOwnOrigin(c);
    if (!(await hasCsrfToken(c, [holder.tokenHash]))) throw new RequestError({ code: 'csrf_failed' });
  }
  return holder;
}

/** Refuses bodies that are not JSON with 415, before anybody looks into them. */
export function requireJson(): MiddlewareHandler<AppEnv> {
  return async function requireJson(c, next) {
    const type = c.req.header('Content-Type') ?? '';
    if (!/^application\/json\s*(?:;|$)/i.test(type))
      throw new RequestError({ code: 'unsupported_media_type' });
    return next();
  };
}
