import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';

/** `max-age` of the published keys: for so long a key that was withdrawn may still be believed. */
const MAX_AGE_MS = 300_000;
/** However many made-up key ids come, the keys are fetched once in this time. */
const COOLDOWN_MS = 1000;
/** A little longer, as a timer may fire a millisecond early. */
const COOLED_DOWN_AFTER_MS = COOLDOWN_MS + 10;
const TIMEOUT_MS = 5000;

/** Nothing can be said about an assertion: respond 503, not "signed out". */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

const remoteKeys = new Map<string, JWTVerifyGetKey>();

/** The published keys of an issuer, which is an origin. They throw `KeysUnavailableError` where they are out of reach. */
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
  return async (header, token) => {
    // Fetched a moment ago, and without this key? It may be newer. A rotation must refuse nobody, so this one waits.
    const isKnown = keys.jwks()?.keys.some(({ kid }) => kid === header.kid);
    if (keys.coolingDown && !isKnown)
      await new Promise((resolve) => setTimeout(resolve, COOLED_DOWN_AFTER_MS));
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys)
        throw cause;
      throw new KeysUnavailableError(`The keys at ${url.href} are out of reach`, { cause });
    }
  };
}

// The registered symbol finds the same map where a test runner loads this module twice. What can write to it runs in this
// process, and could as well replace `fetch`.
const TEST_KEYS = /* @__PURE__ */ Symbol.for('@cloud-hoskie/client test keys');

/** Keys by issuer that `@cloud-hoskie/client/testing` made; instead of the published ones. Empty but in tests. */
export function testKeys(): Map<string, JSONWebKeySet> {
  const place = globalThis as { [TEST_KEYS]?: Map<string, JSONWebKeySet> };
  return (place[TEST_KEYS] ??= new Map());
}
