import { decodeJwt } from 'jose';
import type { Agent } from 'node:http';
import { readIdentity, type Identity } from './identity.ts';

/** What the service says to a request. `refused` is its own response, for the visitor. */
export type ForwardAuthResult =
  | ({ readonly status: 'valid' } & Identity)
  | { readonly status: 'refused'; readonly response: ForwardAuthResponse }
  | { readonly status: 'unknown'; readonly error: Error };

export interface ForwardAuthResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: string;
}

/** For the whole question, a second attempt included. */
const TIMEOUT_MS = 5000;
/** To the service, so that a slow one doesn't use up this process's file descriptors. More requests wait their turn. */
const CONNECTIONS_MAX = 256;
/** In characters. The service's own responses are far shorter. */
const BODY_MAX_LENGTH = 65_536;

/** Asks `/api/authz/forward-auth` of the service, an origin. Any other response than the documented ones is `unknown`. */
export async function askForwardAuth(
  service: string,
  headers: Record<string, string>,
): Promise<ForwardAuthResult> {
  const url = new URL('/api/authz/forward-auth', service);
  let reply: ForwardAuthResponse;
  try {
    reply = await get(url, headers, AbortSignal.timeout(TIMEOUT_MS));
  } catch (cause) {
    // Where a name has several addresses, the message is empty.
    const { message, code } = cause as NodeJS.ErrnoException;
    return { status: 'unknown', error: new Error(`Can't reach ${url.href}: ${message || code}`, { cause }) };
  }
  if (isRefusal(reply, service)) return { status: 'refused', response: reply };
  const identity = reply.status === 200 ? readAssertion(reply) : null;
  if (identity !== null) return { status: 'valid', ...identity };
  const hint = reply.status === 404 ? '. Is ASSERTION_KEYS set at the service?' : '';
  return { status: 'unknown', error: new Error(`${url.href} returned ${reply.status}${hint}`) };
}

/**
 * A redirect to sign in, or a problem: not signed in, or a host that isn't in `ALLOWED_REDIRECT_HOSTS`. What else sends such
 * a status isn't the service but a proxy or firewall in front of it, and hasn't said who the visitor is.
 */
function isRefusal({ status, headers }: ForwardAuthResponse, service: string): boolean {
  switch (status) {
    case 302:
    case 303: {
      const { location = '' } = headers;
      return typeof location === 'string' && URL.canParse(location) && new URL(location).origin === service;
    }
    case 401:
    case 403:
      return /^application\/problem\+json\b/i.test(String(headers['content-type']));
    default:
      return false;
  }
}

/** Straight from the service, so its signature needs no check. Null: there is none, so something else has responded. */
function readAssertion({ headers }: ForwardAuthResponse): Identity | null {
  try {
    return readIdentity(decodeJwt(String(headers['hoskie-jwt-assertion'])));
  } catch {
    return null;
  }
}

/** By protocol. */
const agents = new Map<string, Agent>();

/**
 * Not `fetch`: Node's sets `Sec-Fetch-Mode: cors` itself and refuses `Upgrade`, and both matter here.
 *
 * @param isRetry on a new connection
 */
function get(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
  isRetry = false,
): Promise<ForwardAuthResponse> {
  // Not imported: bundlers for browsers and Workers would stop at it.
  const { Agent, request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  let agent = agents.get(url.protocol);
  if (agent === undefined)
    agents.set(url.protocol, (agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX })));
  return new Promise((resolve, reject) => {
    const outgoing = request(url.href, { headers, signal, agent: isRetry ? false : agent });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The service had just closed a connection that was kept alive, and hasn't seen this request.
      const isStale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (isStale && !isRetry) resolve(get(url, headers, signal, true));
      else reject(error);
    });
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > BODY_MAX_LENGTH) response.destroy(new Error('The response is too long'));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    outgoing.end();
  });
}
