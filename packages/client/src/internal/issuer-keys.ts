import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';

/** `max-age` of the published keys: for so long a key that was withdrawn may still be believed. */
const MAX_AGE_MS = 300_000;
/** Unknown key ids cause at most one fetch in this time. */
const COOLDOWN_MS = 1000;
/** A little longer, as a timer may fire a millisecond early. */
const COOLED_DOWN_AFTER_MS = COOLDOWN_MS + 10;
/** For so long a failed fetch is not repeated. Otherwise each request would wait for a service that hangs. */
const FAILURE_MS = 1000;
const TIMEOUT_MS = 5000;

/** Nothing can be said about an assertion: respond 503, not "signed out". */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

const remoteKeys = new Map<string, JWTVerifyGetKey>();

/** The published keys of an issuer, which is an origin. They throw `KeysUnavailableError` where they can't be fetched. */
export function keysOf(issuer: string): JWTVerifyGetKey {
  const test = testKeys().get(issuer);
  if (test !== undefined) return createLocalJWKSet(test);
  let keys = remoteKeys.get(issuer);
  if (keys === undefined) remoteKeys.set(issuer, (keys = publishedKeys(issuer)));
  return keys;
}

function publishedKeys(issuer: string): JWTVerifyGetKey {
  const url = new URL('/.well-known/jwks.json', issuer);
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: MAX_AGE_MS,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: TIMEOUT_MS,
  });
  let failure: { readonly error: KeysUnavailableError; readonly atMs: number } | null = null;
  return async (header, token) => {
    const isKnown = keys.jwks()?.keys.some(({ kid }) => kid === header.kid) === true;
    const mustFetch = !isKnown || !keys.fresh;
    if (mustFetch && failure !== null && performance.now() < failure.atMs + FAILURE_MS) throw failure.error;
    // Fetched a moment ago, and without this key? It may be newer. A rotation must refuse nobody, so this one waits.
    if (keys.coolingDown && !isKnown)
      await new Promise((resolve) => setTimeout(resolve, COOLED_DOWN_AFTER_MS));
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys)
        throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const error = new KeysUnavailableError(`Can't fetch ${url.href}: ${reason}`, { cause });
      failure = { error, atMs: performance.now() };
      throw error;
    }
  };
}

// A registered symbol, as `index.js` and `testing.js` are two bundles with a copy of this module each. What can write to
// the map runs in this process, and could as well replace `fetch`.
const TEST_KEYS = /* @__PURE__ */ Symbol.for('@cloud-hoskie/client test keys');

/** Keys by issuer that `@cloud-hoskie/client/testing` made; instead of the published ones. Empty but in tests. */
export function testKeys(): Map<string, JSONWebKeySet> {
  const place = globalThis as { [TEST_KEYS]?: Map<string, JSONWebKeySet> };
  return (place[TEST_KEYS] ??= new Map());
}
