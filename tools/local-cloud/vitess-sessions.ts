import { randomBytes, randomUUID } from 'node:crypto';
import type { FieldPacket, ResultSetHeader } from 'mysql2';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { isServerError } from './vitess-error.ts';
import { changeResult, rowsResult, type VitessResult } from './vitess-result.ts';

/** The opaque value that a client gets with each answer and sends with its next request. */
export interface VitessSession {
  signature: string;
  vitessSession: {
    autocommit: true;
    targetString: string;
    options: { includedFields: 'ALL'; clientFoundRows: true };
    DDLStrategy: 'direct';
    SessionUUID: string;
    enableSystemSettings: true;
    inTransaction?: true;
    lastInsertId?: string;
  };
}

/** A statement's outcome, and the session to send along with the next one. */
export interface Executed {
  session: VitessSession;
  /** The MySQL error, or null with a result. */
  error: Error | null;
  result: VitessResult | null;
}

/** A second request came while the first one of the same session was still at work. */
export class SessionBusyError extends Error {}

/** A session that needs its own connection: it is in a transaction, or has changed its connection's state. */
interface Held {
  connection: PoolConnection;
  inTransaction: boolean;
  /** State outlives the transaction: SET, locks, temporary tables. */
  reserved: boolean;
  timer: NodeJS.Timeout | null;
}

/** What MySQL reports for a transaction that is no longer there. */
class TransactionLostError extends Error {
  readonly errno = 1317;
  readonly sqlState = '70100';
}

const BEGINS = /^(begin|start\s+transaction)\b/i;
const ENDS = /^(commit|rollback)\b(?!.*\b(to|chain)\b)/is;
const RESERVES = /^(set|use|lock|prepare|flush|create\s+temporary)\b|\bget_lock\s*\(|:=/i;

/** Bit of a MySQL status word: the connection is in a transaction. */
const STATUS_IN_TRANSACTION = 1;

/**
 * Runs statements for sessions. A session outside of transactions borrows a connection for each statement; from BEGIN
 * to COMMIT or ROLLBACK it keeps one, until it was idle for too long: then the transaction is rolled back.
 */
export class VitessSessions {
  readonly #pool: Pool;
  readonly #database: string;
  readonly #idleMs: number;
  readonly #held = new Map<string, Held>();
  readonly #busy = new Set<string>();

  constructor(pool: Pool, database: string, idleMs: number) {
    this.#pool = pool;
    this.#database = database;
    this.#idleMs = idleMs;
  }

  /** A session that has done nothing yet. */
  create(
    id: string = randomUUID(),
    state: { inTransaction?: boolean; lastInsertId?: string } = {},
  ): VitessSession {
    return {
      signature: randomBytes(32).toString('base64'),
      vitessSession: {
        autocommit: true,
        targetString: this.#database,
        options: { includedFields: 'ALL', clientFoundRows: true },
        DDLStrategy: 'direct',
        SessionUUID: id,
        enableSystemSettings: true,
        ...(state.inTransaction === true && { inTransaction: true }),
        ...(state.lastInsertId !== undefined && { lastInsertId: state.lastInsertId }),
      },
    };
  }

  /**
   * Runs one statement. MySQL's errors are part of the outcome; rejects with SessionBusyError, or with the connection's
   * error when MySQL cannot be reached.
   */
  async execute(sql: string, given: VitessSession | null): Promise<Executed> {
    const id = given?.vitessSession.SessionUUID ?? randomUUID();
    if (this.#busy.has(id)) throw new SessionBusyError(`session already in use: ${id}`);
    this.#busy.add(id);
    try {
      return await this.#run(sql, id, given);
    } finally {
      this.#busy.delete(id);
      this.#restartIdleTimer(id);
    }
  }

  /** Rolls back what is open and gives every connection up. */
  stop(): void {
    for (const id of this.#held.keys()) this.#drop(id);
  }

  async #run(sql: string, id: string, given: VitessSession | null): Promise<Executed> {
    const held = this.#held.get(id) ?? null;
    if (held === null && given?.vitessSession.inTransaction === true) {
      return {
        session: this.create(id),
        error: new TransactionLostError(
          `transaction ${id}: ended (exceeded timeout: ${this.#idleMs / 1_000}s)`,
        ),
        result: null,
      };
    }
    if (held !== null && held.timer !== null) clearTimeout(held.timer);
    const statement = withoutLeadingComments(sql);
    const connection = held?.connection ?? (await this.#pool.getConnection());
    const lastInsertId = given?.vitessSession.lastInsertId;
    try {
      if (held === null && lastInsertId !== undefined && /\blast_insert_id\s*\(\s*\)/i.test(sql)) {
        await connection.query(`DO LAST_INSERT_ID(${BigInt(lastInsertId)})`);
      }
      const { result, status } = await runRaw(connection, sql);
      const inTransaction = transactionState(statement, status, held?.inTransaction ?? false);
      const reserved = (held?.reserved ?? false) || RESERVES.test(statement);
      this.#keepOrRelease(id, connection, inTransaction, reserved);
      const insertId = result.insertId ?? lastInsertId;
      return {
        session: this.create(id, {
          inTransaction,
          ...(insertId !== undefined && { lastInsertId: insertId }),
        }),
        error: null,
        result,
      };
    } catch (error) {
      if (!isServerError(error)) {
        this.#held.delete(id);
        connection.destroy();
        throw error;
      }
      const inTransaction = held?.inTransaction ?? false;
      this.#keepOrRelease(id, connection, inTransaction, held?.reserved ?? false);
      return {
        session: this.create(id, { inTransaction, ...(lastInsertId !== undefined && { lastInsertId }) }),
        error: error as unknown as Error,
        result: null,
      };
    }
  }

  #keepOrRelease(id: string, connection: PoolConnection, inTransaction: boolean, reserved: boolean): void {
    if (inTransaction || reserved) {
      this.#held.set(id, { connection, inTransaction, reserved, timer: null });
    } else {
      this.#held.delete(id);
      connection.release();
    }
  }

  #restartIdleTimer(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.timer = setTimeout(() => this.#drop(id), this.#idleMs);
    held.timer.unref();
  }

  #drop(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    if (held.timer !== null) clearTimeout(held.timer);
    // The server rolls back when the connection is gone.
    held.connection.destroy();
  }
}

function transactionState(statement: string, status: number | null, before: boolean): boolean {
  // Statements without rows tell; among them are all that begin or end a transaction, DDL's hidden commit included.
  if (status !== null) return (status & STATUS_IN_TRANSACTION) !== 0;
  if (BEGINS.test(statement)) return true;
  return ENDS.test(statement) ? false : before;
}

/** Runs a statement as text and takes the columns as the server's bytes. */
async function runRaw(
  connection: PoolConnection,
  sql: string,
): Promise<{ result: VitessResult; status: number | null }> {
  const [rows, columns] = (await connection.query({
    sql,
    rowsAsArray: true,
    typeCast: false,
  })) as unknown as [ResultSetHeader | (Buffer | null)[][], FieldPacket[] | undefined];
  if (!Array.isArray(rows)) {
    return { result: changeResult(rows), status: (rows as { serverStatus?: number }).serverStatus ?? null };
  }
  return { result: rowsResult(columns ?? [], rows), status: null };
}

function withoutLeadingComments(sql: string): string {
  return sql.replace(/^(\s+|\/\*[\s\S]*?\*\/|--\s.*(\n|$)|#.*(\n|$))+/, '');
}
