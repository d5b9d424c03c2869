import type { LogoutReason } from '../../src/activity/events.ts';

/** A session that somebody got a token for. */
export interface TrackedSession {
  readonly id: string;
  readonly userId: string;
  readonly kind: 'cookie' | 'bearer';
  readonly token: string;
  /** Empty for a bearer. */
  readonly csrfToken: string;
  /** From then on it must never answer again: an answer said that it is ended, or it was refused. Unix ms. */
  endedAtMs: number | null;
}

/** A request that may end sessions, confirmed or not: one that got no answer may still be carried out, later. */
export interface Cause {
  readonly reason: LogoutReason;
  readonly userId: string;
  /** Public id of the one session that it is about, or all of the user's. */
  readonly target: string;
  /** The holder, which its own request leaves open. */
  readonly except?: string;
  readonly ipAddress: string;
  readonly beganAtMs: number;
}
export const ALL_SESSIONS = '*';

/** A logout as a receipt told it. */
export interface ReceiptLine {
  readonly id: string;
  readonly session_id: string;
  readonly reason: string;
}

/** What the clients know for sure, and what they saw that must not be. */
export class Ledger {
  readonly sessions = new Map<string, TrackedSession>();
  readonly causes = new Map<string, Cause[]>();
  readonly receipts: ReceiptLine[] = [];
  readonly breaches: string[] = [];
  /** Starts that were answered 503: each may have left a login, and a session for a short while. By user. */
  readonly unconfirmedStarts = new Map<string, number>();
  readonly counts: Record<string, number> = {};
  slowestMs = 0;
  slowest = '';

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  breach(text: string): void {
    this.breaches.push(text);
  }

  began(session: TrackedSession): void {
    if (this.sessions.has(session.id)) this.breach(`session ${session.id} began twice`);
    this.sessions.set(session.id, session);
    this.count('sign-ins confirmed');
  }

  notBegan(userId: string): void {
    this.unconfirmedStarts.set(userId, (this.unconfirmedStarts.get(userId) ?? 0) + 1);
    this.count('sign-ins refused with 503');
  }

  /** Noted before the request is sent. */
  mayEnd(cause: Cause): void {
    const causes = this.causes.get(cause.userId) ?? [];
    causes.push(cause);
    this.causes.set(cause.userId, causes);
  }

  causesOf(session: TrackedSession, untilMs = Number.POSITIVE_INFINITY): Cause[] {
    return (this.causes.get(session.userId) ?? []).filter(
      ({ target, except, beganAtMs }) =>
        (target === session.id || (target === ALL_SESSIONS && except !== session.id)) && beganAtMs <= untilMs,
    );
  }

  /** An answer said, or implied, that it is ended. */
  ended(session: TrackedSession, atMs: number): void {
    session.endedAtMs ??= atMs;
    if (this.causesOf(session, atMs).length === 0) {
      this.breach(`session ${session.id} (${session.kind}) is ended, and nobody could have ended it`);
    }
  }

  /** All of a user's sessions but this one, as far as they were known before the request. */
  othersOf(userId: string, exceptId: string | null, knownBefore: ReadonlySet<string>): TrackedSession[] {
    return [...knownBefore].flatMap((id) => {
      const session = this.sessions.get(id);
      return session?.userId === userId && id !== exceptId ? [session] : [];
    });
  }

  /** It answered a request that was sent then. */
  answered(session: TrackedSession, sentAtMs: number): void {
    if (session.endedAtMs !== null && session.endedAtMs < sentAtMs) {
      this.breach(`session ${session.id} (${session.kind}) answers after it was ended`);
    }
  }

  receipt(lines: readonly ReceiptLine[], atMs: number): void {
    for (const line of lines) {
      this.receipts.push(line);
      const session = this.sessions.get(line.session_id);
      if (session !== undefined) this.ended(session, atMs);
    }
  }

  took(what: string, ms: number): void {
    if (ms <= this.slowestMs) return;
    this.slowestMs = ms;
    this.slowest = what;
  }
}
