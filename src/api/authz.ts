import { Hono } from '../http/hono.ts';
import { identitySigner } from '../auth/identity-assertion.ts';
import { ServiceError } from '../errors.ts';
import { requireHttps } from '../http/canonical-address.ts';
import type { AppContext } from '../http/context.ts';
import { currentSession } from '../http/guards.ts';
import {
  findAppOrigin,
  findWayBack,
  isSafeMethod,
  readForwardedRequest,
  readNginxRequest,
  wantsPage,
  type OriginalRequest,
} from '../http/original-request.ts';
import { signInPath } from '../http/page-path.ts';
import { publicHalf } from '../lib/signing-keys.ts';
import type { Settings } from '../settings.ts';

const KEYS_MAX_AGE_SECONDS = 300;

/**
 * Who sent a request to an app behind us? A proxy in front of the app asks, with the paths and headers of Authelia. A
 * 200 always sets all three headers, so that the proxy overwrites the client's own.
 * Requests may have any method; no body is read.
 *
 * @param pagePaths of our own pages: to sign in for the sign-in page would be a loop
 */
export function authz(settings: Settings, pagePaths: readonly string[]): Hono {
  const { ASSERTION_KEYS, PUBLIC_URL } = settings;
  const app = new Hono();
  const [signingKey] = ASSERTION_KEYS;
  if (signingKey === undefined || PUBLIC_URL === '') return app;
  const signIdentity = identitySigner(signingKey, PUBLIC_URL);
  const ownPages = new Set(pagePaths.flatMap((path) => [path, path.replace(/(?<=.)\/$/, '')]));

  /** Null: the visitor isn't signed in. */
  async function identify(c: AppContext, { appOrigin }: AppRequest): Promise<Response | null> {
    const signedIn = await currentSession(c);
    if (signedIn === null) return null;
    const { session } = signedIn;
    return c.body(null, 200, {
      'Remote-User': visibleAscii(session.username),
      'Remote-User-Id': session.userId,
      'Hoskie-Jwt-Assertion': await signIdentity(session, appOrigin, c.get('request').clock.nowMs()),
    });
  }

  /** The sign-in page that leads back to the app. Null: it is asked for one of our own pages. */
  function findSignInUrl(c: AppContext, { original, appOrigin }: AppRequest): string | null {
    const { url } = c.get('request');
    if (appOrigin === url.origin && ownPages.has(original.url.pathname)) return null;
    const next = findWayBack(original, appOrigin, c.req.header('Referer') ?? null, url, settings);
    return `${url.origin}${signInPath(c)}?next=${encodeURIComponent(next)}`;
  }

  return app
    .use(async (c, next) => {
      await next();
      c.header('Cache-Control', 'no-store');
    }, requireHttps)

    .all('/auth-request', async (c) => {
      const request = requireAppRequest(c, readNginxRequest(c.req.raw.headers));
      const identity = await identify(c, request);
      if (identity !== null) return identity;
      // nginx makes a 500 of a redirect.
      const signInUrl = findSignInUrl(c, request);
      if (signInUrl !== null) c.header('Location', signInUrl);
      throw new ServiceError({ code: 'not_signed_in' });
    })

    .all('/forward-auth', async (c) => {
      const request = requireAppRequest(c, readForwardedRequest(c.req.raw.headers));
      const identity = await identify(c, request);
      if (identity !== null) return identity;
      const signInUrl = wantsPage(c.req.raw.headers) ? findSignInUrl(c, request) : null;
      if (signInUrl === null) throw new ServiceError({ code: 'not_signed_in' });
      c.set('outcome', 'not_signed_in');
      return c.redirect(signInUrl, isSafeMethod(request.original.method) ? 302 : 303);
    });
}

/** The keys that verify assertions. The first signs; the others are older ones, or the next one. */
export function assertionKeys({ ASSERTION_KEYS, PUBLIC_URL }: Settings): Hono {
  const app = new Hono();
  if (ASSERTION_KEYS.length === 0 || PUBLIC_URL === '') return app;
  const keys = ASSERTION_KEYS.map((key) => ({ ...publicHalf(key), alg: 'ES256', use: 'sig' }));
  return app.get('/.well-known/jwks.json', (c) =>
    c.json({ keys }, 200, { 'Cache-Control': `public, max-age=${KEYS_MAX_AGE_SECONDS}` }),
  );
}

interface AppRequest {
  readonly original: OriginalRequest;
  readonly appOrigin: string;
}

/** Throws `original_url_missing`, or `unknown_host` for an app that isn't behind us. */
function requireAppRequest(c: AppContext, original: OriginalRequest | null): AppRequest {
  if (original === null) throw new ServiceError({ code: 'original_url_missing' });
  const { url, settings } = c.get('request');
  const appOrigin = findAppOrigin(original, url, settings);
  if (appOrigin === null) {
    const { log, requestId } = c.get('request');
    log.event('authz_fail', { request_id: requestId, reason: 'unknown_host', host: original.url.host });
    throw new ServiceError({ code: 'unknown_host' });
  }
  return { original, appOrigin };
}

/** A text as a header can hold it: `%` and the bytes of UTF-8 outside visible ASCII are percent-encoded. */
const visibleAscii = (text: string): string => text.replace(/[^\x21-\x7e]|%/gu, encodeURIComponent);
