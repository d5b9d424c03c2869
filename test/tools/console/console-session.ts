import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { NOW } from './generate-rows.ts';

/** Numbers and times as text, as `CloudProxy.query` answers them. */
export type Row = Record<string, unknown>;

/** A table of ours that a statement reads, as EXPLAIN tells it. */
export interface PlanStep {
  /** By the name that the statement gives it. */
  readonly table: string;
  /** How it is read: `ALL` is from end to end. */
  readonly type: string | null;
  readonly index: string | null;
  /** The index has all that is asked for: no row is fetched. */
  readonly isIndexAlone: boolean;
}

/** Their names, each once, in the order of the alphabet. */
export const indexesOf = (steps: readonly PlanStep[]): string[] =>
  [...new Set(steps.flatMap(({ index }) => index ?? []))].sort();

/** In the last column of EXPLAIN; `Using index condition` is something else. */
const INDEX_ALONE = /(?:^|; )Using index(?:;|$)/;

/** Rows and index entries that the server went through; MariaDB also counts those that a condition on the index rejects. */
const READ_COUNTERS = /^Handler_read_/;
const TURNED_AWAY = { all: 'Handler_icp_attempts', kept: 'Handler_icp_match' } as const;

/** One operator's session at the console, at `NOW`. */
export class ConsoleSession {
  readonly #connection: Connection;
  /** False for MySQL, whose counters and plans differ. */
  readonly isMariaDb: boolean;

  private constructor(connection: Connection, version: string) {
    this.#connection = connection;
    this.isMariaDb = version.includes('MariaDB');
  }

  static async open(connection: Connection): Promise<ConsoleSession> {
    await connection.query('SET SESSION timestamp = ?', [Date.parse(`${NOW.replace(' ', 'T')}Z`) / 1000]);
    const [rows] = await connection.query('SELECT VERSION() AS version');
    return new ConsoleSession(connection, (rows as { version: string }[])[0]?.version ?? '');
  }

  async rows(sql: string, values: unknown[] = []): Promise<Row[]> {
    const [rows] = await this.#connection.query(sql, values);
    return Array.isArray(rows) ? (rows as Row[]) : [];
  }

  /** Runs a statement that changes rows; answers how many. */
  async change(sql: string): Promise<number> {
    const [result] = await this.#connection.query(sql);
    return (result as ResultSetHeader).affectedRows;
  }

  /** What is done in between is undone, so that each test has the million rows as they were made. */
  async undoing<T>(work: () => Promise<T>): Promise<T> {
    await this.#connection.beginTransaction();
    try {
      return await work();
    } finally {
      await this.#connection.rollback();
    }
  }

  async plan(sql: string): Promise<PlanStep[]> {
    // MySQL 9's default is a tree.
    const rows = await this.rows(`EXPLAIN FORMAT=TRADITIONAL ${sql}`);
    const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
    return rows.flatMap((row) => {
      const table = text(row['table']);
      // What has none or one in <> is the result of another step.
      if (table === null || table.startsWith('<')) return [];
      return [
        {
          table,
          type: text(row['type']),
          index: text(row['key']),
          isIndexAlone: INDEX_ALONE.test(text(row['Extra']) ?? ''),
        },
      ];
    });
  }

  /** Runs the statement and counts what the server reads for it, its own temporary tables included. */
  async rowsRead(sql: string): Promise<number> {
    // The counting is counted as well: so much for it. FLUSH STATUS would end the transaction.
    const first = await this.#readCounter();
    const second = await this.#readCounter();
    await this.#connection.query(sql);
    const third = await this.#readCounter();
    return third - second - (second - first);
  }

  async #readCounter(): Promise<number> {
    const rows = await this.rows("SHOW SESSION STATUS LIKE 'Handler_%'");
    const counters = new Map(rows.map((row) => [String(row['Variable_name']), Number(row['Value'])]));
    let read = (counters.get(TURNED_AWAY.all) ?? 0) - (counters.get(TURNED_AWAY.kept) ?? 0);
    for (const [name, value] of counters) if (READ_COUNTERS.test(name)) read += value;
    return read;
  }
}
