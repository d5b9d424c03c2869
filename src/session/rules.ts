import type { Session } from './session.ts';

/** Longest time between two writes of `lastSeenAtMs`; the contract promises 5 minutes, a write takes its time. */
export const REFRESH_INTERVAL_MAX_SECONDS = 240;
/** A short idle life needs more frequent writes: at least this many in it. */
const REFRESHES_PER_IDLE_LIFE = 10;

/** Absolute and idle life in seconds. */
export interface Lifetimes {
  readonly ageSeconds: number;
  readonly idleAgeSeconds: number;
}

/** When the session is over if no further request comes: the earlier of its absolute and its idle end. */
export function endsAtMs(session: Pick<Session, 'expiresAtMs' | 'lastSeenAtMs' | 'idleAgeSeconds'>): number {
  return Math.min(session.expiresAtMs, session.lastSeenAtMs + session.idleAgeSeconds * 1000);
}

/** At the very millisecond of its end a session is over: a TTL of 0 does not exist either. */
export function isExpired(
  session: Pick<Session, 'expiresAtMs' | 'lastSeenAtMs' | 'idleAgeSeconds'>,
  nowMs: number,
): boolean {
  return nowMs >= endsAtMs(session);
}

/** Whether this request should move `lastSeenAtMs`. Not each one does: a check is a read, and reads are cheap. */
export function needsRefresh(session: Session, nowMs: number): boolean {
  const intervalSeconds = Math.min(
    REFRESH_INTERVAL_MAX_SECONDS,
    session.idleAgeSeconds / REFRESHES_PER_IDLE_LIFE,
  );
  return nowMs - session.lastSeenAtMs >= intervalSeconds * 1000;
}
