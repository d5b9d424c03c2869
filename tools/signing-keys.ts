import { generateKeyPairSync } from 'node:crypto';
import { parseSigningKeys, type SigningKey } from '../src/lib/signing-keys.ts';

/** A new private key for `ASSERTION_KEYS`; its id is its thumbprint. */
export function newSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [key] = parseSigningKeys(toKeySet([privateKey.export({ format: 'jwk' })])) ?? [];
  if (key === undefined) throw new Error('Node made a key that can’t be read.');
  return key;
}

/** Keys as `ASSERTION_KEYS` holds them: a JSON Web Key Set. */
export const toKeySet = (keys: readonly object[]): string => JSON.stringify({ keys });
