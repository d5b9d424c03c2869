import { needsRefresh } from './rules.ts';
import type { ListResult, OfferedTokens } from './session-store.ts';
import type { SessionWork } from './session-work.ts';
import type { Session, SessionCheck } from './session.ts';

/**
 * Finds the session of a request, in one round trip. It counts as activity, which is written in the background.
 *
 * @throws `store_unavailable` if that can't be known now. Respond 503 and keep the cookie.
 */
export async function resumeSession(work: SessionWork, offered: OfferedTokens): Promise<SessionCheck> {
  const nowMs = work.clock.nowMs();
  const check = await work.sessions.check(offered, nowMs);
  noteSessionUse(work, check);
  return check.status === 'invalid' ? check : { ...check, session: seenNow(check.session, nowMs) };
}

/** The session of a request and all open ones of its user, in one round trip; otherwise like `resumeSession`. */
export async function listSessions(work: SessionWork, offered: OfferedTokens): Promise<ListResult> {
  const nowMs = work.clock.nowMs();
  const list = await work.sessions.list(offered, nowMs);
  noteSessionUse(work, list);
  if (list.status === 'invalid') return list;
  const session = seenNow(list.session, nowMs);
  const sessions = list.sessions.map((each) => (each.id === session.id ? session : each));
  return { ...list, session, sessions };
}

/** The session as it will be after the refresh, so the `lastSeenAtMs` we show is never older than the refresh interval. */
const seenNow = (session: Session, nowMs: number): Session =>
  needsRefresh(session, nowMs) ? { ...session, lastSeenAtMs: nowMs } : session;

/** Refreshes an open session if it is due; logs the use of an ended session's token, and cookies of several users. */
export function noteSessionUse(work: SessionWork, check: SessionCheck): void {
  const nowMs = work.clock.nowMs();
  if (check.status === 'valid') {
    const { session, tokenHash } = check;
    if (!needsRefresh(session, nowMs)) return;
    work.inBackground('refresh_session', ({ sessions }) =>
      sessions.refresh(tokenHash, { ...session, lastSeenAtMs: nowMs }),
    );
    return;
  }
  if (check.usersInConflict !== undefined) {
    work.log.event('session_cookies_conflict', {
      request_id: work.requestId,
      user_ids: check.usersInConflict,
      ip_address: work.client.ipAddress,
    });
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
