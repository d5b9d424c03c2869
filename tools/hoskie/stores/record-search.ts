import type { SessionId, UserId } from '../../../src/lib/ids.ts';

/** A sign-in that succeeded. */
export interface SignIn {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly atMs: number;
}

/** Some of the sign-ins, oldest first. */
export interface SignInPage {
  /** Those whose session has no end in the record. */
  readonly withoutEnd: readonly SignIn[];
  /** Where to go on, in Unix ms; null: that was the last page. */
  readonly next: number | null;
}

/** Compares sign-ins and ends by their rows, in small statements. Each method throws `store_unavailable`. */
export interface RecordSearch {
  /** The next few thousand sign-ins, from `sinceMs` on and before `untilMs`. */
  readSignIns(sinceMs: number, untilMs: number): Promise<SignInPage>;
  /** Which of these sessions, at most a few hundred, have the row of their sign-in. */
  findSignIns(ids: readonly SessionId[]): Promise<ReadonlySet<SessionId>>;
  /** When those of these sessions ended, in Unix ms, that have the row of their end. */
  findEnds(ids: readonly SessionId[]): Promise<ReadonlyMap<SessionId, number>>;
}
