import { parseToken, type Token } from './token.ts';

/** What an `Authorization` header says. */
export type BearerCredential =
  /** There is none, or it is of another scheme, which is nothing to us. */
  | { readonly status: 'missing' }
  /** A bearer token that was never given out, by its form. */
  | { readonly status: 'malformed' }
  | { readonly status: 'token'; readonly token: Token };

/** Reads `Authorization: Bearer TOKEN` (RFC 6750 section 2.1; the scheme's case does not matter, RFC 9110 11.1). */
export function readBearer(header: string | null | undefined): BearerCredential {
  const match = /^Bearer(?: +(.*))?$/i.exec(header?.trim() ?? '');
  if (match === null) return { status: 'missing' };
  const token = parseToken(match[1]);
  return token === null ? { status: 'malformed' } : { status: 'token', token };
}
