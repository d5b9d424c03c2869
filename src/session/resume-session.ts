import { needsRefresh } from './rules.ts';
import type { Credential, ListResult } from './session-store.ts';
import type { SessionWork } from './session-work.ts';
import type { Session, SessionCheck } from './session.ts';
import type { TokenHash } from './token.ts';

/**
 * Finds the session of a credential, in one round trip. It counts as activity, which is written in the background.
 *
 * @throws `store_unavailable` if that can't be known now. Respond 503 and keep the cookie.
 */
export async function resumeSession(work: SessionWork, credential: Credential): Promise<SessionCheck> {
  const nowMs = work.clock.nowMs();
  const check = await work.sessions.check(credential, nowMs);
  noteSessionUse(work, credential.tokenHash, check);
  return check.status === 'invalid' ? check : { ...check, session: seenNow(check.session, nowMs) };
}

/** The session of a credential and all open ones of its user, in one round trip; otherwise like `resumeSession`. */
export async function listSessions(work: SessionWork, credential: Credential): Promise<ListResult> {
  const nowMs = work.clock.nowMs();
  const list = await work.sessions.list(credential, nowMs);
  noteSessionUse(work, credential.tokenHash, list);
  if (list.status === 'invalid') return list;
  const session = seenNow(list.session, nowMs);
  const sessions = list.sessions.map((each) => (each.id === session.id ? session : each));
  return { ...list, session, sessions };
}

/** The session as it will be after the refresh, so the `lastSeenAtMs` we show is never older than the refresh interval. */
const seenNow = (session: Session, nowMs: number): Session =>
  needsRefresh(session, nowMs) ? { ...session, lastSeenAtMs: nowMs } : session;

/** Refreshes an open session if it is due; logs the use of an ended session's token. */
export function noteSessionUse(work: SessionWork, tokenHash: TokenHash, check: SessionCheck): void {
  const nowMs = work.clock.nowMs();
  if (check.status === 'valid') {
    const { session } = check;
    if (!needsRefresh(session, nowMs)) return;
    work.inBackground('refresh_session', ({ sessions }) =>
      sessions.refresh(tokenHash, { ...session, lastSeenAtMs: nowMs }),
    );
    return;
  }
  if (check.tombstone === undefined) return;
  // The token of a session that has ended: perhaps an old tab, perhaps a stolen cookie.
  const { sessionId, userId, reason, endedAtMs, ipAddress } = check.tombstone;
  work.log.event('session_use_after_expire', {
    request_id: work.requestId,
    session_id: sessionId,
    user_id: userId,
    reason,
    ended_at: new Date(endedAtMs).toISOString(),
    ended_by_ip_address: ipAddress,
    ip_address: work.client.ipAddress,
  });
}
