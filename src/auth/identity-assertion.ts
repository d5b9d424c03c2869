import { jwsSigner } from '../lib/jws.ts';
import type { SigningKey } from '../lib/signing-keys.ts';
import type { Session } from '../session/session.ts';

/** How long an assertion is valid; clocks may differ by minutes. */
const ASSERTION_SECONDS = 300;

/** Signs who a request is from, for the app behind us. `audience` is the app's origin. */
export type SignIdentity = (session: Session, audience: string, nowMs: number) => Promise<string>;

/** Makes JSON Web Tokens (RFC 7519) with this key. `issuer` is our own origin. */
export function identitySigner(key: SigningKey, issuer: string): SignIdentity {
  const sign = jwsSigner(key, 'JWT');
  return ({ userId, username, id }, audience, nowMs) => {
    const issuedAt = Math.floor(nowMs / 1000);
    return sign({
      ...{ iss: issuer, aud: audience, sub: userId, preferred_username: username, sid: id },
      ...{ iat: issuedAt, exp: issuedAt + ASSERTION_SECONDS },
    });
  };
}
