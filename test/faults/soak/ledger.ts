import type { LogoutReason } from '../../../src/activity/events.ts';

/** A session whose token a client received. */
export interface TrackedSession {
  readonly id: string;
  readonly userId: string;
  readonly kind: 'cookie' | 'bearer';
  readonly token: string;
  /** Empty for a bearer. */
  readonly csrfToken: string;
  /** From then on it must stay ended: a response confirmed or implied that it is. Unix ms; null while it may be open. */
  endedAtMs: number | null;
}

/** A request that may end sessions, confirmed or not: one without a response may still be carried out, later. */
export interface Cause {
  readonly reason: LogoutReason;
  readonly userId: string;
  /** Public id of the session to end, or all of the user's. */
  readonly target: string;
  /** The session that sends the request and stays open. */
  readonly except?: string;
  readonly ipAddress: string;
  readonly sentAtMs: number;
}
export const ALL_SESSIONS = '*';

/** A logout as a receipt reports it. */
export interface ReceiptLine {
  readonly id: string;
  readonly session_id: string;
  readonly reason: string;
}

/** What the clients know for sure, and every promise that they saw broken. */
export class Ledger {
  readonly sessions = new Map<string, TrackedSession>();
  readonly causes = new Map<string, Cause[]>();
  readonly receipts: ReceiptLine[] = [];
  readonly violations: string[] = [];
  /** Sign-ins refused with 503: each may have left a login, and a session for a short while. By user. */
  readonly unconfirmedSignIns = new Map<string, number>();
  readonly counts: Record<string, number> = {};
  slowestMs = 0;
  slowest = '';

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  violation(text: string): void {
    this.violations.push(text);
  }

  started(session: TrackedSession): void {
    if (this.sessions.has(session.id)) this.violation(`session ${session.id} started twice`);
    this.sessions.set(session.id, session);
    this.count('sign-ins confirmed');
  }

  notStarted(userId: string): void {
    this.unconfirmedSignIns.set(userId, (this.unconfirmedSignIns.get(userId) ?? 0) + 1);
    this.count('sign-ins refused with 503');
  }

  /** Called before the request is sent. */
  mayEnd(cause: Cause): void {
    const causes = this.causes.get(cause.userId) ?? [];
    causes.push(cause);
    this.causes.set(cause.userId, causes);
  }

  causesOf(session: TrackedSession, untilMs = Number.POSITIVE_INFINITY): Cause[] {
    return (this.causes.get(session.userId) ?? []).filter(
      ({ target, except, sentAtMs }) =>
        (target === session.id || (target === ALL_SESSIONS && except !== session.id)) && sentAtMs <= untilMs,
    );
  }

  /** A response confirmed or implied that it is ended. */
  ended(session: TrackedSession, atMs: number): void {
    session.endedAtMs ??= atMs;
    if (this.causesOf(session, atMs).length === 0) {
      this.violation(`session ${session.id} (${session.kind}) is ended, and no request could have ended it`);
    }
  }

  /** It was open for a request that was sent then. */
  wasOpen(session: TrackedSession, sentAtMs: number): void {
    if (session.endedAtMs !== null && session.endedAtMs < sentAtMs) {
      this.violation(`session ${session.id} (${session.kind}) is open after it was ended`);
    }
  }

  receipt(lines: readonly ReceiptLine[], atMs: number): void {
    for (const line of lines) {
      this.receipts.push(line);
      const session = this.sessions.get(line.session_id);
      if (session !== undefined) this.ended(session, atMs);
    }
  }

  responseTime(what: string, ms: number): void {
    if (ms <= this.slowestMs) return;
    this.slowestMs = ms;
    this.slowest = what;
  }
}
