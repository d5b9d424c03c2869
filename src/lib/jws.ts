import { base64Url } from './hash.ts';
import type { SigningKey } from './signing-keys.ts';

// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4); WebCrypto's signature has the form that JWS wants.
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };

/** Signs claims as a JSON Web Token in compact form (RFC 7519, RFC 7515 section 3.1). */
export type SignClaims = (claims: object) => Promise<string>;

/** Signs with this key. `typ` says what the token is for, and what verifies it must look at that. */
export function jwsSigner({ kid, ...jwk }: SigningKey, typ: 'JWT' | 'secevent+jwt'): SignClaims {
  let imported: Promise<CryptoKey> | undefined;
  return async (claims) => {
    imported ??= crypto.subtle.importKey('jwk', jwk, KEY_ALGORITHM, false, ['sign']);
    const signed = [{ alg: 'ES256', typ, kid }, claims]
      .map((part) => base64Url(utf8(JSON.stringify(part))))
      .join('.');
    const signature = await crypto.subtle.sign(SIGNATURE_ALGORITHM, await imported, utf8(signed));
    return `${signed}.${base64Url(signature)}`;
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);
