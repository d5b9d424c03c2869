import type { ConsoleSession, Row } from './console-session.ts';

/** What docs/operators.md answers with one statement. */
export interface Question {
  /** The heading that the statement stands under. */
  readonly title: string;
  /** Tables that the statement may read from end to end, as the page says. */
  readonly readsWhole?: readonly string[];
  /** Tables of which the statement reads an index and no row, as the page says. */
  readonly readsIndexAlone?: readonly string[];
  /** False for what reads no table of ours: the page's table of costs leaves it out. */
  readonly hasCost?: false;
  /** Puts the rows among the million that the statement shall find, and some that it shall not. */
  readonly plant: (session: ConsoleSession) => Promise<void>;
  /** Runs the statement and looks at its answer. */
  readonly check: (session: ConsoleSession, sql: string) => Promise<void>;
}

/** The answer's rows with these columns only. */
export const columns = (rows: readonly Row[], ...names: string[]): unknown[][] =>
  rows.map((row) => names.map((name) => row[name]));
