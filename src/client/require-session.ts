import type { Context, MiddlewareHandler } from 'hono';
import type { SessionView, UserView } from '../session/presentation.ts';
import type { Verification } from '../session/verify-session.ts';

/** The service binding: in wrangler.toml `entrypoint = "SessionService"`. */
export interface SessionServiceBinding {
  verify(credential: Request | string): Promise<Verification>;
}

/** What a handler behind `requireSession` finds in `c.var`. */
export interface SessionVariables {
  session: SessionView;
  user: UserView;
}

export interface RequireSessionOptions {
  /** Name of the service binding in `env`. */
  readonly binding: string;
  /**
   * Where browsers are sent to sign in, e.g. `https://login.example.org/sign-in/`; the address they wanted is added
   * as `next` (its host must be on `ALLOWED_REDIRECT_HOSTS` there). Without it everybody is answered 401.
   */
  readonly signInUrl?: string;
}

const RETRY_AFTER_SECONDS = 10;

/**
 * Middleware for another Hono Worker: lets signed-in users through and answers the others. An outage of the
 * session store is 503, never "signed out". CSRF protection of what lies behind is the Worker's own
 * (`hono/csrf` for forms). Source of the statuses: RFC 9110 sections 15.5.2 and 15.6.4.
 */
export function requireSession(
  options: RequireSessionOptions,
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async function requireSession(c, next) {
    const service = (c.env as Record<string, SessionServiceBinding | undefined>)[options.binding];
    if (service === undefined)
      throw new Error(`requireSession: there is no service binding ${options.binding}`);
    // Headers alone: the body stays for the handler.
    const { url, headers } = c.req.raw;
    const verification = await verifyOrUnknown(service, new Request(url, { headers }));
    switch (verification.status) {
      case 'valid':
        c.set('session', verification.session);
        c.set('user', verification.user);
        return next();
      case 'invalid':
        return answerInvalid(c, options.signInUrl);
      case 'unknown':
        c.header('Retry-After', String(RETRY_AFTER_SECONDS));
        return c.text('Who you are cannot be told at the moment. Try again shortly.\n', 503);
    }
  };
}

/** A binding that throws (the other Worker is being deployed, say) has not said "signed out" either. */
async function verifyOrUnknown(service: SessionServiceBinding, request: Request): Promise<Verification> {
  try {
    return await service.verify(request);
  } catch {
    return { status: 'unknown' };
  }
}

function answerInvalid(c: Context, signInUrl: string | undefined): Response {
  const isPageWanted = c.req.method === 'GET' && (c.req.header('Accept') ?? '').includes('text/html');
  if (signInUrl === undefined || !isPageWanted) {
    c.header('WWW-Authenticate', 'Bearer');
    return c.text('Not signed in.\n', 401);
  }
  const target = new URL(signInUrl);
  target.searchParams.set('next', c.req.url);
  return c.redirect(target.href, 302);
}
