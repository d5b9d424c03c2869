import { exportJWK, generateKeyPair, SignJWT, type GenerateKeyPairResult } from 'jose';
import { testKeys } from './internal/issuer-keys.ts';
import type { User } from './verify-assertion.ts';

export interface SignedInAsOptions {
  /** As in the app under test, see `verifyAssertion`. Default: `https://login.example.org`. */
  readonly issuer?: string | undefined;
  /** As in the app under test. Default: `https://app.example.org`. */
  readonly audience?: string | undefined;
  /** Address of the request. Default: `/` of the audience. */
  readonly url?: string | URL | undefined;
  readonly sessionId?: string | undefined;
}

const KEY_ID = 'test';
const LIFETIME_SECONDS = 300;

/** One for each test process, made when it is first needed. The private key can't be exported. */
let keyPair: Promise<GenerateKeyPairResult> | undefined;

/**
 * A request as the gate passes it on for a signed-in user, with an assertion that `verifyAssertion` and
 * `hoskie({ mode: 'header' })` accept without network: from now on this process trusts a key of its own for that issuer,
 * instead of the published ones. Never import this in code that is deployed: it warns if `NODE_ENV` is `production`. For
 * another method or body: `new Request(await signedInAs(user), { method: 'POST', body })`.
 *
 * @example
 * const response = await app.request(await signedInAs({ id: '1', username: 'ada' }));
 */
export async function signedInAs(user: User, options: SignedInAsOptions = {}): Promise<Request> {
  const issuer = new URL(options.issuer ?? 'https://login.example.org').origin;
  const audience = new URL(options.audience ?? 'https://app.example.org').origin;
  if (keyPair === undefined) warnInProduction();
  const { privateKey, publicKey } = await (keyPair ??= generateKeyPair('ES256'));
  testKeys().set(issuer, {
    keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'ES256', use: 'sig' }],
  });
  const issuedAtSeconds = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({
    preferred_username: user.username,
    sid: options.sessionId ?? 'test-session',
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: KEY_ID })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(user.id)
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + LIFETIME_SECONDS)
    .sign(privateKey);
  return new Request(options.url ?? `${audience}/`, {
    headers: {
      // Percent-encoded: `%`, and all but visible ASCII.
      'Remote-User': user.username.replace(/[^\x21-\x24\x26-\x7e]+/gu, encodeURIComponent),
      'Remote-User-Id': user.id,
      'Hoskie-Jwt-Assertion': assertion,
    },
  });
}

/** Workers and browsers may have no `process`. */
function warnInProduction(): void {
  if (globalThis.process?.env['NODE_ENV'] === 'production')
    console.warn('@cloud-hoskie/client/testing is for tests: this process now trusts a key of its own');
}
