import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { base64Url, sha256 } from './hash.ts';

/** A private key for ES256, as a JSON Web Key (RFC 7517; RFC 7518 section 6.2). */
export interface SigningKey extends VerificationKey {
  readonly d: string;
}

/** Its public half, as it is published. */
export interface VerificationKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly kid: string;
}

/** Reads a JSON Web Key Set of private keys. Null: it isn't one, or it is empty, or two keys have the same id. */
export function parseSigningKeys(text: string): readonly SigningKey[] | null {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return null;
  }
  const list = isRecord(set) ? set['keys'] : null;
  if (!Array.isArray(list) || list.length === 0) return null;
  const keys = list.map(parseKey);
  const isUnique = new Set(keys.map((key) => key?.kid)).size === keys.length;
  return isUnique && keys.every((key) => key !== null) ? keys : null;
}

function parseKey(key: unknown): SigningKey | null {
  if (!isRecord(key) || key['kty'] !== 'EC' || key['crv'] !== 'P-256') return null;
  const { x, y, d, kid, alg = 'ES256', use = 'sig' } = key;
  if (alg !== 'ES256' || use !== 'sig') return null;
  if (!isCoordinate(x) || !isCoordinate(y) || !isCoordinate(d)) return null;
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) return null;
  const jwk = { kty: 'EC', crv: 'P-256', x, y, d } as const;
  return isKeyPair(jwk) ? { ...jwk, kid: kid ?? thumbprint(x, y) } : null;
}

/** Whether what the private half signs is what the public half verifies. */
function isKeyPair({ d, ...jwk }: Omit<SigningKey, 'kid'>): boolean {
  const text = new TextEncoder().encode('a text to sign');
  try {
    const signature = sign('sha256', text, createPrivateKey({ key: { ...jwk, d }, format: 'jwk' }));
    return verify('sha256', text, createPublicKey({ key: jwk, format: 'jwk' }), signature);
  } catch {
    return false;
  }
}

/** What apps need to verify what these keys sign. */
export const publicHalf = ({ kty, crv, x, y, kid }: SigningKey): VerificationKey => ({ kty, crv, x, y, kid });

/** What names a key that has no id (RFC 7638). */
const thumbprint = (x: string, y: string): string =>
  base64Url(sha256(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y })));

/** 32 bytes in base64url. */
const isCoordinate = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w-]{43}$/.test(value);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
