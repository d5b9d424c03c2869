import type { Stores } from '../stores.ts';
import { UserRefusedError } from '../stores/user-admin.ts';
import { checkMsOf } from './hash-format.ts';
import type { SkippedUser, ValidUser } from './validate-users.ts';

/** Skipped users, and users without a password, that a report names. */
const LISTED_MAX = 10_000;

export interface ImportReport {
  added: number;
  updated: number;
  unchanged: number;
  /** The dump has another password, but this service has set or rewritten the one here. */
  keptPasswords: number;
  sessionsEnded: number;
  /** How long the slowest hash of the dump takes to check, in ms of CPU. */
  slowestCheckMs: number;
  /** Some sessions of changed users may still be open. */
  isIncomplete: boolean;
  readonly skipped: FirstOf<SkippedUser>;
  /** Users who were imported but can't sign in until a password is set. */
  readonly withoutPassword: FirstOf<{ readonly username: string; readonly reason: string }>;
}

/** How many there were, and the first of them: a list of millions would fill the memory. */
export class FirstOf<T> {
  readonly list: T[] = [];
  total = 0;

  push(each: T): void {
    this.total += 1;
    if (this.list.length < LISTED_MAX) this.list.push(each);
  }
}

export const newReport = (): ImportReport => ({
  added: 0,
  updated: 0,
  unchanged: 0,
  keptPasswords: 0,
  sessionsEnded: 0,
  slowestCheckMs: 0,
  isIncomplete: false,
  skipped: new FirstOf(),
  withoutPassword: new FirstOf(),
});

export interface ImportRun {
  readonly stores: Stores;
  /** True: nothing is written. */
  readonly isDryRun: boolean;
  readonly report: ImportReport;
  readonly nowMs: number;
  readonly advance: (by: number) => void;
}

export function skip({ report }: ImportRun, user: ValidUser, reason: string): void {
  report.skipped.push({ place: user.place, username: user.record.username, reason });
}

export function notePassword({ report }: ImportRun, { record, noPassword }: ValidUser): void {
  report.withoutPassword.push({ username: record.username, reason: noPassword ?? 'none' });
}

export function noteHash({ report, stores }: ImportRun, { record }: ValidUser): void {
  const checkMs = checkMsOf(record.passwordHash, stores.settings.PBKDF2_MAX_ITERATIONS);
  report.slowestCheckMs = Math.max(report.slowestCheckMs, checkMs);
}

/** Throws what is no refusal. */
export function describeRefusal(error: unknown): string {
  if (!(error instanceof UserRefusedError)) throw error;
  return error.isTaken
    ? 'the name or the id was taken just now'
    : `MySQL refused the row (error ${error.errno})`;
}
