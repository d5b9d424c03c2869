import { decodeJwt } from 'jose';
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

const TIMEOUT_MS = 5000;
/** Redirects to sign in, "not signed in", and a host that isn't in `ALLOWED_REDIRECT_HOSTS`. */
const REFUSALS = [302, 303, 401, 403];

/** Asks `/api/authz/forward-auth` of the service, an origin. Any other response than the documented ones is `unknown`. */
export async function askForwardAuth(
  service: string,
  headers: Record<string, string>,
): Promise<ForwardAuthResult> {
  const url = new URL('/api/authz/forward-auth', service);
  try {
    const reply = await get(url, headers);
    if (REFUSALS.includes(reply.status)) return { status: 'refused', response: reply };
    // Straight from the service, so its signature needs no check. A 200 without it comes from something else.
    const assertion = reply.status === 200 ? reply.headers['hoskie-jwt-assertion'] : undefined;
    const identity = typeof assertion === 'string' ? readIdentity(decodeJwt(assertion)) : null;
    if (identity !== null) return { status: 'valid', ...identity };
    throw new Error(`status ${reply.status}, ${reply.body.slice(0, 200) || 'no body'}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return { status: 'unknown', error: new Error(`${url.href} is no help: ${reason}`, { cause }) };
  }
}

/**
 * Not `fetch`: Node's sets `Sec-Fetch-Mode: cors` itself and refuses `Upgrade`, and both matter here. Node's agent keeps
 * connections alive.
 */
function get(url: URL, headers: Record<string, string>): Promise<ForwardAuthResponse> {
  // Not imported: bundlers for browsers and Workers would stop at it.
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    const outgoing = request(url.href, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The service had just closed a connection that was kept alive, and hasn't seen this request.
      const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET';
      if (isStale) resolve(get(url, headers));
      else reject(error);
    });
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    outgoing.end();
  });
}
