import type { Session } from './session.ts';

/** Longest time between two writes of `lastSeenAtMs`. The contract promises 5 minutes, and a write takes its time. */
export const REFRESH_INTERVAL_MAX_SECONDS = 240;
/** A short idle lifetime needs more frequent writes: at least this many in it. */
const REFRESHES_PER_IDLE_LIFETIME = 10;

/** When the session ends if no further request comes: its absolute or its idle end, whichever is earlier. */
export function endsAtMs(session: Pick<Session, 'expiresAtMs' | 'lastSeenAtMs' | 'idleAgeSeconds'>): number {
  return Math.min(session.expiresAtMs, session.lastSeenAtMs + session.idleAgeSeconds * 1000);
}

/** From the millisecond of its end on, a session has expired, whether or not Redis still has its record. */
export function isExpired(
  session: Pick<Session, 'expiresAtMs' | 'lastSeenAtMs' | 'idleAgeSeconds'>,
  nowMs: number,
): boolean {
  return nowMs >= endsAtMs(session);
}

const MINUTE_MS = 60_000;
/** The minute that a time in Unix ms is in, in Unix minutes. */
export const minuteOf = (atMs: number): number => Math.floor(atMs / MINUTE_MS);

/** Whether this request should move `lastSeenAtMs`. Most don't: a check is a read, and reads are cheap. */
export function needsRefresh(session: Session, nowMs: number): boolean {
  const intervalSeconds = Math.min(
    REFRESH_INTERVAL_MAX_SECONDS,
    session.idleAgeSeconds / REFRESHES_PER_IDLE_LIFETIME,
  );
  return nowMs - session.lastSeenAtMs >= intervalSeconds * 1000;
}
