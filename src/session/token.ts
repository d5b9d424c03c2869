import { base64Url, randomBytes, sha256 } from '../lib/hash.ts';

/** The secret itself: it exists in the cookie or the bearer alone. 43 characters of base64url, 256 random bits. */
export type Token = string & { readonly __brand: 'Token' };
/** SHA-256 of a token, 43 characters of base64url. What the stores know a session by; useless as a token. */
export type TokenHash = string & { readonly __brand: 'TokenHash' };

const TOKEN_BYTES = 32; // OWASP Session Management asks for at least 16.

// base64url without padding (RFC 4648 section 5): 32 bytes are 43 characters, and the last one carries 4 bits, so only
// every fourth letter of the alphabet can be there. Anything else was never issued.
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Makes a fresh token from the platform's CSPRNG. */
export const newToken = (): Token => base64Url(randomBytes(TOKEN_BYTES)) as Token;

/** Reads a token from outside. Null: it was never issued, by its form, so no store need be asked. */
export function parseToken(value: unknown): Token | null {
  return typeof value === 'string' && TOKEN_PATTERN.test(value) ? (value as Token) : null;
}

/**
 * Hashes a token for the stores. One round of SHA-256 without salt is enough: the token is 256 random bits, so there
 * is nothing to guess (OWASP, Session Management: store only a hash of the identifier).
 */
export const hashToken = (token: Token): TokenHash => base64Url(sha256(token)) as TokenHash;
