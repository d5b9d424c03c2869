import { base64Url } from '../lib/hash.ts';
import type { SigningKey } from '../lib/signing-keys.ts';
import type { Session } from '../session/session.ts';

/** How long an assertion is valid; clocks may differ by minutes. */
const ASSERTION_SECONDS = 300;

// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4); WebCrypto's signature has the form that JWS wants.
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };

/** Signs who a request is from, for the app behind us. `audience` is the app's origin. */
export type SignIdentity = (session: Session, audience: string, nowMs: number) => Promise<string>;

/** Makes JSON Web Tokens (RFC 7519) with this key. `issuer` is our own origin. */
export function identitySigner({ kid, ...jwk }: SigningKey, issuer: string): SignIdentity {
  let imported: Promise<CryptoKey> | undefined;
  return async ({ userId, username, id }, audience, nowMs) => {
    imported ??= crypto.subtle.importKey('jwk', jwk, KEY_ALGORITHM, false, ['sign']);
    const issuedAt = Math.floor(nowMs / 1000);
    const content = [
      { alg: 'ES256', typ: 'JWT', kid },
      {
        ...{ iss: issuer, aud: audience, sub: userId, preferred_username: username, sid: id },
        ...{ iat: issuedAt, exp: issuedAt + ASSERTION_SECONDS },
      },
    ];
    const signed = content.map((part) => base64Url(utf8(JSON.stringify(part)))).join('.');
    const signature = await crypto.subtle.sign(SIGNATURE_ALGORITHM, await imported, utf8(signed));
    return `${signed}.${base64Url(signature)}`;
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);
