import { sha256 } from '../sha256.ts';

/** The secret itself: exists in the cookie or the bearer alone. 43 characters of base64url, 256 random bits. */
export type Token = string & { readonly __brand: 'Token' };
/** SHA-256 of a token, 43 characters of base64url. What the stores know a session by; useless as a token. */
export type TokenHash = string & { readonly __brand: 'TokenHash' };
/** Public name of a session: shown to its user, written in the activity tables. 26 characters, 130 random bits. */
export type SessionId = string & { readonly __brand: 'SessionId' };
/** `users.id` in decimal: a 64-bit number, so text here. */
export type UserId = string & { readonly __brand: 'UserId' };

const TOKEN_BYTES = 32; // OWASP Session Management asks for at least 16.

// base64url without padding (RFC 4648 section 5): 32 bytes are 43 characters, the last of which carries 4 bits,
// so only every fourth letter of the alphabet can stand there. Anything else was never given out.
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

// Crockford's base32 in lower case: no vowels to spell words with, nothing that a shell or URL would mind.
const SESSION_ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SESSION_ID_LENGTH = 26;
const SESSION_ID_PATTERN = /^[0-9a-hjkmnp-tv-z]{26}$/;

/** No session has it: stands for an id that could not be one, so that it is answered like an unknown one. */
export const NO_SESSION_ID = '-' as SessionId;

const BASE64URL_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function base64Url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += BASE64URL_ALPHABET[bits >> 18]! + BASE64URL_ALPHABET[(bits >> 12) & 63]!;
    if (b !== undefined) text += BASE64URL_ALPHABET[(bits >> 6) & 63]!;
    if (c !== undefined) text += BASE64URL_ALPHABET[bits & 63]!;
  }
  return text;
}

/** Makes a fresh token from the platform's CSPRNG. */
export function newToken(): Token {
  return base64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))) as Token;
}

export function newSessionId(): SessionId {
  let id = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(SESSION_ID_LENGTH))) {
    id += SESSION_ID_ALPHABET[byte & 31]!;
  }
  return id as SessionId;
}

/** Reads a token from outside. Null: not of the form that is given out, so no store need be asked. */
export function parseToken(value: unknown): Token | null {
  return typeof value === 'string' && TOKEN_PATTERN.test(value) ? (value as Token) : null;
}

/** Reads a session id from outside. Null: no session can have that id. */
export function parseSessionId(value: unknown): SessionId | null {
  return typeof value === 'string' && SESSION_ID_PATTERN.test(value) ? (value as SessionId) : null;
}

/**
 * Hashes a token for the stores. One round of SHA-256 with no salt is enough, as the token is 256 random bits:
 * there is nothing to guess (OWASP, Session Management: store only a hash of the identifier).
 */
export const hashToken = (token: Token): TokenHash =>
  base64Url(sha256(new TextEncoder().encode(token))) as TokenHash;
