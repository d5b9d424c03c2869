import { Buffer } from 'node:buffer';
import { expect } from 'vitest';
import type { VerificationKey } from '../../src/lib/signing-keys.ts';

export interface Assertion {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
}

/** Reads a JSON Web Token signed with ES256, and expects that one of these keys signed it. */
export async function verifiedAssertion(
  token: string | null,
  keys: readonly VerificationKey[],
): Promise<Assertion> {
  const [header = '', claims = '', signature = '', ...rest] = (token ?? '').split('.');
  expect(rest).toEqual([]);
  const read = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const assertion = { header: read(header), claims: read(claims) };
  const key = keys.find(({ kid }) => kid === assertion.header['kid']);
  if (key === undefined) throw new Error('No key has the id in the assertion');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const { kty, crv, x, y } = key;
  const publicKey = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, false, ['verify']);
  const isSigned = await crypto.subtle.verify(
    algorithm,
    publicKey,
    Buffer.from(signature, 'base64url'),
    Buffer.from(`${header}.${claims}`),
  );
  expect(isSigned).toBe(true);
  return assertion;
}
