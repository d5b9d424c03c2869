import type { RequestScope } from '../deps.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import { readPresentedCookies } from './cookies.ts';
import { readBearer } from './credential.ts';
import { resumeSession } from './lifecycle.ts';
import { viewSession, viewUser, type SessionView, type UserView } from './presentation.ts';
import type { Holder } from './session-store.ts';
import type { InvalidReason } from './session.ts';
import { hashToken, parseToken, type Token } from './token.ts';

/** The answer to "who is this?". Three answers, not two: `unknown` is an outage and must not read as signed out. */
export type Verification =
  | { readonly status: 'valid'; readonly session: SessionView; readonly user: UserView }
  | { readonly status: 'invalid'; readonly reason: InvalidReason }
  | { readonly status: 'unknown' };

type Presented =
  | { readonly status: 'missing' | 'malformed' }
  | { readonly status: 'token'; readonly token: Token; readonly kind: Holder['kind'] };

/**
 * Verifies a request (its `Authorization` header beats its cookie) or a bare token, of either kind. One wait;
 * counts as activity. CSRF is the caller's own: a request that changes something needs its own protection.
 */
export async function verifySession(
  scope: RequestScope,
  credential: Request | string,
): Promise<Verification> {
  const presented = typeof credential === 'string' ? readToken(credential) : readRequest(scope, credential);
  if (presented.status !== 'token') return { status: 'invalid', reason: presented.status };
  try {
    const holder = { tokenHash: hashToken(presented.token), kind: presented.kind };
    const check = await resumeSession(scope, holder);
    if (check.status === 'invalid') return { status: 'invalid', reason: check.reason };
    const { session } = check;
    return { status: 'valid', session: viewSession(session, session.id), user: viewUser(session) };
  } catch (error) {
    if (error instanceof StoreUnavailableError) return { status: 'unknown' };
    throw error;
  }
}

function readRequest(scope: RequestScope, request: Request): Presented {
  const authorization = request.headers.get('Authorization');
  if (authorization !== null) {
    const bearer = readBearer(authorization);
    return bearer.status === 'token' ? { ...bearer, kind: 'bearer' } : bearer;
  }
  const { tokens, isPresent } = readPresentedCookies(request.headers.get('Cookie'), scope.settings);
  const token = tokens[0];
  if (token !== undefined) return { status: 'token', token, kind: 'cookie' };
  return { status: isPresent ? 'malformed' : 'missing' };
}

/** A bare token tells not which door it came through: the caller knows where it got it from. */
function readToken(text: string): Presented {
  if (text === '') return { status: 'missing' };
  const token = parseToken(text);
  return token === null ? { status: 'malformed' } : { status: 'token', token, kind: 'either' };
}
