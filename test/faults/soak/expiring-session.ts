import type { LogoutReason } from '../../../src/activity/events.ts';
import { hashToken, newToken, type Token, type TokenHash } from '../../../src/session/token.ts';
import type { Session } from '../../../src/session/session.ts';
import { sampleSession } from '../../fakes/samples.ts';

/** Something that may have happened to a session, at a time in between. Unix ms. */
interface Span {
  readonly fromMs: number;
  untilMs: number;
}

/** What is known for sure of a session that lives for seconds. */
export class ExpiringSession {
  /** As it was when it began. */
  readonly session: Session;
  token: Token = newToken();
  /** Whether its start was confirmed. If not, it may have begun, and was abandoned. */
  isStarted = false;
  /** The reason that a response confirmed. */
  confirmed: LogoutReason | null = null;
  readonly #ends: (Span & { readonly reason: LogoutReason })[] = [];
  /** When it may have been seen last. */
  readonly #seen: Span[];
  /** It can't have ended before, in Unix ms. */
  #openUntilMs: number;

  constructor(changes: Partial<Session>, ageSeconds: number) {
    const nowMs = Date.now();
    this.session = sampleSession(nowMs, {
      kind: 'bearer',
      expiresAtMs: nowMs + ageSeconds * 1000,
      ...changes,
    });
    this.#seen = [{ fromMs: nowMs, untilMs: nowMs }];
    this.#openUntilMs = nowMs;
  }

  get tokenHash(): TokenHash {
    return hashToken(this.token);
  }

  /** A refresh may move `lastSeenAtMs` to a time in between. */
  maySee(fromMs: number, untilMs = fromMs): void {
    this.#seen.push({ fromMs, untilMs });
  }

  /** `lastSeenAtMs` was moved to this time. */
  wasSeen(atMs: number): void {
    this.wasOpen(this.#endIfSeen(atMs));
  }

  /** A request that was sent at this time found it open. */
  wasOpen(atMs: number): void {
    this.#openUntilMs = Math.max(this.#openUntilMs, atMs);
  }

  /** Before something that may end it, now or, if no response comes, at any time. Call the result once one came. */
  mayEnd(reason: LogoutReason): () => void {
    const end = { reason, fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY };
    this.#ends.push(end);
    return () => (end.untilMs = Date.now());
  }

  /** What is wrong with the row of its end; null: nothing is. */
  faultOf(reason: string, endedAtMs: number): string | null {
    if (this.confirmed !== null && this.confirmed !== reason) return `${this.confirmed} was confirmed`;
    const { expiresAtMs, idleAgeSeconds } = this.session;
    const idleAgeMs = idleAgeSeconds * 1000;
    if (reason === 'expired_absolute') {
      if (endedAtMs !== expiresAtMs) return `it was to end at ${expiresAtMs}`;
      return this.#seen.some(({ untilMs }) => untilMs + idleAgeMs >= expiresAtMs)
        ? null
        : 'it was idle before';
    }
    if (reason === 'expired_idle') {
      if (endedAtMs < this.#openUntilMs) return `it was open until ${this.#openUntilMs}`;
      if (endedAtMs >= expiresAtMs) return `it was to end at ${expiresAtMs}`;
      return isIn(this.#seen, endedAtMs - idleAgeMs) ? null : `it wasn't seen at ${endedAtMs - idleAgeMs}`;
    }
    const causes = this.#ends.filter((end) => end.reason === reason);
    return isIn(causes, endedAtMs) ? null : 'nothing can have caused it';
  }

  #endIfSeen(seenAtMs: number): number {
    return Math.min(seenAtMs + this.session.idleAgeSeconds * 1000, this.session.expiresAtMs);
  }
}

const isIn = (spans: readonly Span[], atMs: number): boolean =>
  spans.some(({ fromMs, untilMs }) => fromMs <= atMs && atMs <= untilMs);
