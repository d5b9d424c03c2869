import { errors, jwtVerify } from 'jose';
import { readIdentity } from './internal/identity.ts';
import { KeysUnavailableError, keysOf } from './internal/issuer-keys.ts';
import { parseOrigin } from './internal/origin.ts';
import { warnOncePerSecond } from './internal/warn.ts';

export interface User {
  readonly id: string;
  readonly username: string;
}

/** What an assertion says. Three cases, not two: `unknown` is an outage and must not read as signed out. */
export type Assertion =
  | { readonly status: 'valid'; readonly user: User; readonly sessionId: string }
  | { readonly status: 'invalid'; readonly reason: 'missing' | 'expired' | 'invalid' }
  | { readonly status: 'unknown' };

export interface AssertionOptions {
  /** `PUBLIC_URL` of the service, e.g. `https://login.example.org`. Its keys are at `/.well-known/jwks.json` there. */
  readonly issuer: string;
  /** Origin of this app as browsers see it, e.g. `https://app.example.org`. Never taken from the request: that is the check. */
  readonly audience: string;
  /** Called with the reason of each `unknown`. Default: `console.warn`, at most once a second. */
  readonly onUnavailable?: ((error: Error) => void) | undefined;
}

/**
 * Anything with headers: a `Request`, Node's `IncomingMessage`, `{ headers: await headers() }` in Next.js, or an object
 * whose names may be in any case.
 */
export interface WithHeaders {
  readonly headers:
    | { get(name: string): string | null }
    | { readonly [name: string]: string | readonly string[] | undefined };
}

const HEADER = 'hoskie-jwt-assertion';
/** Between the clocks of the service and of this machine. */
const CLOCK_TOLERANCE_SECONDS = 10;

/**
 * Reads and verifies the identity that the gate or proxy passes on in `Hoskie-Jwt-Assertion`. A client that sets the header
 * or reaches the app directly gains nothing. Each process fetches the keys on first use, every five minutes, and for an
 * unknown key id; after a failure not for a second.
 *
 * Respond 401 to `invalid`, and 503 with `Retry-After` to `unknown`: the keys can't be fetched, nobody is signed out.
 * Throws a TypeError if `issuer` or `audience` is not an origin.
 */
export async function verifyAssertion(request: WithHeaders, options: AssertionOptions): Promise<Assertion> {
  const issuer = parseOrigin('issuer', options.issuer);
  const audience = parseOrigin('audience', options.audience);
  const token = readHeader(request);
  if (token === null) return { status: 'invalid', reason: 'missing' };
  try {
    const { payload } = await jwtVerify(token, keysOf(issuer), {
      algorithms: ['ES256'],
      // The same keys sign event tokens, which are no assertions.
      typ: 'JWT',
      issuer,
      audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['iat', 'exp'],
    });
    const identity = readIdentity(payload);
    return identity === null ? { status: 'invalid', reason: 'invalid' } : { status: 'valid', ...identity };
  } catch (error) {
    if (error instanceof KeysUnavailableError) {
      (options.onUnavailable ?? warnOncePerSecond)(error);
      return { status: 'unknown' };
    }
    if (error instanceof errors.JWTExpired) return { status: 'invalid', reason: 'expired' };
    if (error instanceof errors.JOSEError) return { status: 'invalid', reason: 'invalid' };
    throw error;
  }
}

/** Null: missing or empty. Several are joined with commas, as Node and fetch do it, which no assertion has. */
function readHeader({ headers }: WithHeaders): string | null {
  if (isFetchHeaders(headers)) return headers.get(HEADER) || null;
  const isOurs = ([name]: [string, unknown]) => name.toLowerCase() === HEADER;
  const values = Object.entries(headers).filter(isOurs);
  return values.flatMap(([, value]) => value ?? []).join(', ') || null;
}

const isFetchHeaders = (headers: WithHeaders['headers']): headers is { get(name: string): string | null } =>
  typeof headers['get'] === 'function';
