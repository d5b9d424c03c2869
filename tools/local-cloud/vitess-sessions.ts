import { randomUUID } from 'node:crypto';
import type { FieldPacket, ResultSetHeader } from 'mysql2';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { isServerError } from './vitess-error.ts';
import { changeResult, rowsResult, type VitessResult } from './vitess-result.ts';

/** What a client gets with each response and sends with its next request, opaque to it; Vitess's holds more. */
export interface VitessSession {
  vitessSession: {
    SessionUUID: string;
    inTransaction: boolean;
    lastInsertId: string | undefined;
  };
}

/** A statement's result or MySQL's error, and the session to send along with the next one. */
export type Executed = { session: VitessSession } & ({ result: VitessResult } | { error: Error });

/** A second request came while the first one of the same session was still under way. */
export class SessionBusyError extends Error {}

/** What MySQL reports for a transaction that is no longer there. */
class TransactionLostError extends Error {
  readonly errno = 1317;
  readonly sqlState = '70100';
}

/** The connection of a session that is in a transaction, or has changed its connection's state. */
interface Held {
  connection: PoolConnection;
  inTransaction: boolean;
  /** State outlives the transaction: SET, locks, temporary tables. */
  reserved: boolean;
  timer?: NodeJS.Timeout;
}

const RESERVES = /^\s*(set|use|lock|create\s+temporary)\b|\bget_lock\s*\(|:=/i;

/** Bit of a MySQL status word: the connection is in a transaction. */
const STATUS_IN_TRANSACTION = 1;

/**
 * Runs statements for sessions. A session outside of transactions borrows a connection for each statement; from BEGIN
 * to COMMIT or ROLLBACK it keeps one, until it was idle for too long: then the transaction is rolled back.
 */
export class VitessSessions {
  readonly #pool: Pool;
  readonly #idleMs: number;
  readonly #held = new Map<string, Held>();
  readonly #busy = new Set<string>();

  constructor(pool: Pool, idleMs: number) {
    this.#pool = pool;
    this.#idleMs = idleMs;
  }

  /** A session that has done nothing yet, or that goes on in this state. */
  create(id: string = randomUUID(), inTransaction = false, lastInsertId?: string): VitessSession {
    return { vitessSession: { SessionUUID: id, inTransaction, lastInsertId } };
  }

  /**
   * Runs one statement. MySQL's errors are part of the outcome; rejects with SessionBusyError, or with the connection's
   * error if MySQL cannot be reached.
   */
  async execute(sql: string, given: VitessSession | null): Promise<Executed> {
    const { SessionUUID: id, inTransaction, lastInsertId } = (given ?? this.create()).vitessSession;
    if (this.#busy.has(id)) throw new SessionBusyError(`session already in use: ${id}`);
    const held = this.#held.get(id);
    if (held === undefined && inTransaction) {
      const text = `transaction ${id}: ended (exceeded timeout: ${this.#idleMs / 1_000}s)`;
      return { session: this.create(id), error: new TransactionLostError(text) };
    }
    clearTimeout(held?.timer);
    this.#busy.add(id);
    try {
      return await this.#run(sql, id, held ?? null, lastInsertId);
    } finally {
      this.#busy.delete(id);
    }
  }

  /** Rolls back what is open and gives every connection up. */
  stop(): void {
    for (const id of this.#held.keys()) this.#drop(id);
  }

  async #run(sql: string, id: string, held: Held | null, lastInsertId?: string): Promise<Executed> {
    const connection = held?.connection ?? (await this.#pool.getConnection());
    let { inTransaction, reserved } = held ?? { inTransaction: false, reserved: false };
    try {
      if (held === null && lastInsertId !== undefined && /\blast_insert_id\s*\(\s*\)/i.test(sql)) {
        await connection.query(`DO LAST_INSERT_ID(${BigInt(lastInsertId)})`);
      }
      const { result, status } = await runRaw(connection, sql);
      // Whatever begins or ends a transaction has a status, DDL with its hidden commit included.
      if (status !== null) inTransaction = (status & STATUS_IN_TRANSACTION) !== 0;
      reserved ||= RESERVES.test(sql);
      this.#keepOrRelease(id, { connection, inTransaction, reserved });
      return { session: this.create(id, inTransaction, result.insertId ?? lastInsertId), result };
    } catch (error) {
      if (!isServerError(error)) {
        this.#held.delete(id);
        connection.destroy();
        throw error;
      }
      this.#keepOrRelease(id, { connection, inTransaction, reserved });
      return { session: this.create(id, inTransaction, lastInsertId), error: error as unknown as Error };
    }
  }

  #keepOrRelease(id: string, held: Held): void {
    if (held.inTransaction || held.reserved) {
      held.timer = setTimeout(() => this.#drop(id), this.#idleMs).unref();
      this.#held.set(id, held);
    } else {
      this.#held.delete(id);
      held.connection.release();
    }
  }

  #drop(id: string): void {
    const held = this.#held.get(id);
    this.#held.delete(id);
    clearTimeout(held?.timer);
    // The server rolls back when the connection is gone.
    held?.connection.destroy();
  }
}

/** Runs a statement as text and takes the columns as the server's bytes; a result with rows has no status. */
async function runRaw(
  connection: PoolConnection,
  sql: string,
): Promise<{ result: VitessResult; status: number | null }> {
  const options = { sql, rowsAsArray: true, typeCast: false };
  const [rows, columns] = (await connection.query(options)) as unknown as [
    (Buffer | null)[][] | (ResultSetHeader & { serverStatus: number }),
    FieldPacket[],
  ];
  if (Array.isArray(rows)) return { result: rowsResult(columns, rows), status: null };
  return { result: changeResult(rows), status: rows.serverStatus };
}
