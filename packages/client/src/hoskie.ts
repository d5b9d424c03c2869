import { askForwardAuth, type ForwardAuthResponse } from './internal/forward-auth.ts';
import type { Identity } from './internal/identity.ts';
import { parseOrigin } from './internal/origin.ts';
import { warnOncePerSecond } from './internal/warn.ts';
import { verifyAssertion } from './verify-assertion.ts';

export interface HoskieOptions {
  /** `PUBLIC_URL` of the service, e.g. `https://login.example.org`. */
  readonly url: string;
  /**
   * Origin of this app as browsers see it, e.g. `https://app.example.org`. Never taken from the request, where a client can
   * choose it. Its host must be in `ALLOWED_REDIRECT_HOSTS`; assertions must be made for it.
   */
  readonly origin: string;
  /**
   * `ask`, the default: asks the service about each request, with the visitor's cookie or bearer token. `header`: the gate or
   * a proxy in front has asked; verifies the assertion that it passes on.
   */
  readonly mode?: 'ask' | 'header' | undefined;
  /** Called each time that the service can't say who a visitor is. Default: `console.warn`, at most once a second. */
  readonly onUnavailable?: ((error: Error) => void) | undefined;
}

/** What Express, Connect and `node:http` have in common; the first two add `originalUrl`. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
}

export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string | string[]): unknown;
  end(body: string): unknown;
}

export type Middleware = (
  request: NodeRequest,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

type Outcome =
  | ({ readonly status: 'valid' } & Identity)
  | { readonly status: 'refused'; readonly response: ForwardAuthResponse }
  | { readonly status: 'unknown' };

const RETRY_AFTER_SECONDS = 10;
const NOT_SIGNED_IN: ForwardAuthResponse = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer', 'content-type': 'text/plain' },
  body: 'Not signed in.\n',
};
const UNAVAILABLE: ForwardAuthResponse = {
  status: 503,
  headers: { 'retry-after': String(RETRY_AFTER_SECONDS), 'content-type': 'text/plain' },
  body: "We can't check your session right now. Try again in a moment.\n",
};

const MALFORMED: ForwardAuthResponse = {
  status: 400,
  headers: { 'content-type': 'text/plain' },
  body: 'Malformed address.\n',
};

/** Request headers passed to the service, beside a bearer token: who it is, and whether a page is wanted. */
const PASSED_TO_SERVICE = ['cookie', 'accept', 'sec-fetch-mode', 'referer', 'upgrade'];
const PASSED_TO_VISITOR = ['location', 'www-authenticate', 'content-type', 'retry-after'];

/**
 * Middleware for Express and Connect: lets signed-in users through, with `req.user` (`{ id, username }`) and
 * `req.sessionId`. In `ask` mode others get what the service says (a redirect to sign in, 401 or 403), in `header` mode
 * 401. During an outage it responds 503, never "signed out".
 *
 * Throws a TypeError if `url` or `origin` is not an origin, or `mode` is neither of the two.
 *
 * @example
 * app.use('/account', hoskie({ url: 'https://login.example.org', origin: 'https://app.example.org' }));
 * app.get('/account', (req, res) => res.send(`Hello ${req.user.username}`));
 */
export function hoskie(options: HoskieOptions): Middleware {
  const check = options.mode === 'header' ? headerCheck(options) : askCheck(options);
  return async function hoskie(request, response, next) {
    let outcome: Outcome;
    try {
      outcome = await check(request);
    } catch (error) {
      // Express 4 and Connect don't look at the promise.
      return next(error);
    }
    switch (outcome.status) {
      case 'valid':
        Object.assign(request, { user: outcome.user, sessionId: outcome.sessionId });
        return next();
      case 'refused':
        return send(response, outcome.response);
      case 'unknown':
        return send(response, UNAVAILABLE);
    }
  };
}

function askCheck({ url, mode, origin, onUnavailable = warnOncePerSecond }: HoskieOptions) {
  if (mode !== undefined && mode !== 'ask')
    throw new TypeError(`mode must be ask or header, not ${String(mode)}`);
  const service = parseOrigin('url', url);
  const ownUrl = new URL(parseOrigin('origin', origin));
  return async (request: NodeRequest): Promise<Outcome> => {
    const uri = request.originalUrl ?? request.url ?? '';
    // `*`, or a whole address as for a proxy. Browsers send neither, and the service would refuse the question.
    if (!uri.startsWith('/')) return { status: 'refused', response: MALFORMED };
    const result = await askForwardAuth(service, forwardAuthHeaders(request, ownUrl, uri));
    if (result.status === 'unknown') onUnavailable(result.error);
    return result;
  };
}

function headerCheck({ url, origin, onUnavailable }: HoskieOptions) {
  const issuer = parseOrigin('url', url);
  const audience = parseOrigin('origin', origin);
  return async (request: NodeRequest): Promise<Outcome> => {
    const assertion = await verifyAssertion(request, { issuer, audience, onUnavailable });
    return assertion.status === 'invalid' ? { status: 'refused', response: NOT_SIGNED_IN } : assertion;
  };
}

function forwardAuthHeaders(request: NodeRequest, ownUrl: URL, uri: string): Record<string, string> {
  const headers: Record<string, string> = {
    'X-Forwarded-Method': request.method ?? 'GET',
    'X-Forwarded-Proto': ownUrl.protocol.slice(0, -1),
    'X-Forwarded-Host': ownUrl.host,
    'X-Forwarded-Uri': uri,
  };
  for (const name of PASSED_TO_SERVICE) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  // Credentials of another scheme are this app's own.
  const { authorization } = request.headers;
  if (typeof authorization === 'string' && /^bearer /i.test(authorization))
    headers['authorization'] = authorization;
  return headers;
}

function send(response: NodeResponse, { status, headers, body }: ForwardAuthResponse): void {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  for (const name of PASSED_TO_VISITOR) {
    const value = headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  response.end(body);
}
