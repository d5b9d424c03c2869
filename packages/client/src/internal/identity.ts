import type { JWTPayload } from 'jose';

/** Whom an assertion is about. */
export interface Identity {
  readonly user: { readonly id: string; readonly username: string };
  readonly sessionId: string;
}

/** Null: one of the claims is missing. */
export function readIdentity(claims: JWTPayload): Identity | null {
  const { sub: id, preferred_username: username, sid: sessionId } = claims;
  return isText(id) && isText(username) && isText(sessionId) ? { user: { id, username }, sessionId } : null;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
