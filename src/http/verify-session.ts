import { isStoreUnavailable } from '../errors.ts';
import { resumeSession } from '../session/resume-session.ts';
import type { SessionWork } from '../session/session-work.ts';
import type { InvalidReason } from '../session/session.ts';
import { logIgnoredCookies, type Credentials } from './credentials.ts';
import type { SessionView, UserView } from './response-schemas.ts';
import { viewSession, viewUser } from './session-views.ts';

/** The result of "who is this?". Three cases, not two: `unknown` is an outage and must not read as signed out. */
export type Verification =
  | { readonly status: 'valid'; readonly session: SessionView; readonly user: UserView }
  | { readonly status: 'invalid'; readonly reason: InvalidReason }
  | { readonly status: 'unknown' };

/**
 * For other Workers: who offers these credentials? One round trip; counts as activity. CSRF is the caller's own: what
 * changes something there needs its own protection.
 */
export async function verifySession(work: SessionWork, credentials: Credentials): Promise<Verification> {
  if (credentials.status !== 'offered') return { status: 'invalid', reason: credentials.status };
  logIgnoredCookies(work, credentials);
  try {
    const check = await resumeSession(work, credentials);
    if (check.status === 'invalid') return { status: 'invalid', reason: check.reason };
    const { session } = check;
    return { status: 'valid', session: viewSession(session, session.id), user: viewUser(session) };
  } catch (error) {
    if (isStoreUnavailable(error)) return { status: 'unknown' };
    throw error;
  }
}
