// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- @ts-expect-error would fail where hono is there
/** @ts-ignore: hono is an optional peer. Without it, requireSession alone has no types; the others have theirs. */
import type { Context, MiddlewareHandler } from 'hono';
import type { components } from './generated/api.ts';
import type { User } from './verify-assertion.ts';

export type SessionView = components['schemas']['Session'];

/** What `verify` says. Three cases, not two: `unknown` is an outage and must not read as signed out. */
export type Verification =
  | { readonly status: 'valid'; readonly session: SessionView; readonly user: User }
  | {
      readonly status: 'invalid';
      readonly reason: 'missing' | 'malformed' | 'unknown' | 'expired' | 'ended';
    }
  | { readonly status: 'unknown' };

/** The service binding: in wrangler.toml `entrypoint = "SessionService"`. */
export interface SessionServiceBinding {
  verify(credential: Request | string): Promise<Verification>;
}

/** What `requireSession` sets in `c.var`. */
export interface SessionVariables {
  session: SessionView;
  user: User;
}

export interface RequireSessionOptions {
  /** Name of the service binding in `env`. */
  readonly binding: string;
  /**
   * Where browsers go to sign in, e.g. `https://login.example.org/sign-in/`. The address they came from, for a form that of
   * its page, is added as `next`; its host must be in `ALLOWED_REDIRECT_HOSTS` there. Without it, anonymous visitors get 401.
   */
  readonly signInUrl?: string;
}

const RETRY_AFTER_SECONDS = 10;

/**
 * Middleware for another Hono Worker: lets signed-in users through. During an outage it responds 503, never "signed out".
 * Throws an Error, which Hono makes a 500, if the binding is missing or isn't the entrypoint `SessionService`.
 * CSRF protection is that Worker's own (`hono/csrf` for forms). Statuses: RFC 9110 sections 15.5.2 and 15.6.4.
 */
export function requireSession(
  options: RequireSessionOptions,
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async function requireSession(c, next) {
    const service = (c.env as Record<string, SessionServiceBinding | undefined>)[options.binding];
    if (service === undefined)
      throw new Error(`requireSession: there is no service binding ${options.binding}`);
    if (typeof service.verify !== 'function')
      throw new Error(
        `requireSession: ${options.binding} has no verify. Bind it with entrypoint = "SessionService"`,
      );
    // Without the body, which the handler may want to read.
    const { url, headers } = c.req.raw;
    const verification = await verifyOrUnknown(service, new Request(url, { headers }));
    switch (verification.status) {
      case 'valid':
        c.set('session', verification.session);
        c.set('user', verification.user);
        return next();
      case 'invalid':
        return refuse(c, options.signInUrl);
      case 'unknown':
        c.header('Cache-Control', 'no-store');
        c.header('Retry-After', String(RETRY_AFTER_SECONDS));
        return c.text("We can't check your session right now. Try again in a moment.\n", 503);
    }
  };
}

/** A binding that throws (during a deployment, or for want of the entrypoint) hasn't said "signed out" either. */
async function verifyOrUnknown(service: SessionServiceBinding, request: Request): Promise<Verification> {
  try {
    return await service.verify(request);
  } catch (error) {
    console.warn('requireSession: the service binding failed. Is its entrypoint = "SessionService"?', error);
    return { status: 'unknown' };
  }
}

function refuse(c: Context, signInUrl: string | undefined): Response {
  c.header('Cache-Control', 'no-store');
  if (signInUrl === undefined || !wantsPage(c)) {
    c.header('WWW-Authenticate', 'Bearer');
    return c.text('Not signed in.\n', 401);
  }
  const isSafeMethod = c.req.method === 'GET' || c.req.method === 'HEAD';
  const target = new URL(signInUrl);
  target.searchParams.set('next', isSafeMethod ? c.req.url : pageOfForm(c));
  return c.redirect(target.href, isSafeMethod ? 302 : 303);
}

/** Whether a browser wants to show the response as a page (W3C Fetch Metadata); older ones say so by `Accept`. */
function wantsPage(c: Context): boolean {
  if (c.req.header('Upgrade')?.toLowerCase() === 'websocket') return false;
  const mode = c.req.header('Sec-Fetch-Mode');
  return mode === undefined ? (c.req.header('Accept') ?? '').includes('text/html') : mode === 'navigate';
}

/** The root where the browser doesn't say, or names a page of another origin. */
function pageOfForm(c: Context): string {
  const { origin } = new URL(c.req.url);
  const referer = c.req.header('Referer') ?? '';
  return URL.canParse(referer) && new URL(referer).origin === origin ? referer : `${origin}/`;
}
