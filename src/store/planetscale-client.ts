import { Client, DatabaseError, UnknownError } from '@planetscale/database';
import type { DatabaseCredentials } from './database-url.ts';
import { callStore, StoreUnavailableError, type StoreFault, type Trace } from './store-call.ts';

/** A value to be put into SQL. Nothing else: an array or object would change the statement's shape. */
export type SqlValue = string | number | null;
export type Row = Record<string, unknown>;

/** What our adapters ask of MySQL. */
export interface SqlClient {
  /**
   * Runs one statement, with `?` for the values. Throws `StatementRefusedError` when MySQL says that these data can
   * never be stored, `StoreUnavailableError` for everything else that may be different the next time.
   */
  execute(sql: string, values: readonly SqlValue[]): Promise<{ rows: Row[]; rowsAffected: number }>;
}

/** MySQL will never take this row: a data or constraint error. Holds the number of the error and nothing else. */
export class StatementRefusedError extends Error {
  override readonly name = 'StatementRefusedError';
  readonly errno: number;
  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/**
 * Errors of the row itself (MySQL 8 and MariaDB server error reference). Classes 22 and 23 of sqlstate are data
 * and constraint errors; these are further ones that come with the general HY000: a CHECK (3819 MySQL, 4025
 * MariaDB), a character that the column cannot hold (1366), no default (1364), a trigger's refusal (1644, 45000).
 */
const ROW_ERRNOS = new Set([1265, 1364, 1366, 1644, 3819, 4025]);
const ROW_SQLSTATE_CLASSES = ['22', '23'];

/** The client takes credentials through `btoa`, which knows Latin-1 only: hand it their UTF-8 bytes. */
const utf8AsLatin1 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/**
 * `Client`, as a `Connection` keeps one Vitess session, which concurrent requests must not share. `timeoutMs` is for
 * statements that bring no signal of their own; those of `planetscaleClient` do.
 */
export function planetscaleConnection(credentials: DatabaseCredentials, timeoutMs: number): Client {
  return new Client({
    host: credentials.host,
    username: utf8AsLatin1(credentials.username),
    password: utf8AsLatin1(credentials.password),
    // The client has no time-out of its own and always says https.
    fetch: async (input: string, init?: RequestInit) => {
      const url = credentials.protocol === 'http:' ? input.replace(/^https:/, 'http:') : input;
      const signal = init?.signal ?? AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { ...init, signal });
      const text = await response.text();
      // The client takes any JSON for a success, and a row that nobody wrote for written.
      if (response.ok && !isAnswer(JSON.parse(text))) throw new SyntaxError('neither a result nor an error');
      return new Response(text, response);
    },
  });
}

const isAnswer = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && ('result' in body || 'error' in body);

/** The client's texts hold the SQL with its values, so only their kind goes on from here. */
function classify(error: unknown): { fault: StoreFault; final: boolean } | 'rethrow' {
  if (error instanceof StatementRefusedError) return 'rethrow';
  if (error instanceof UnknownError) return { fault: 'unreachable', final: false };
  if (error instanceof DatabaseError) return { fault: 'refused', final: error.status < 500 };
  if (error instanceof SyntaxError) return { fault: 'protocol', final: false };
  return { fault: 'unreachable', final: false };
}

/** Vitess hands MySQL's numbers on inside its message: "... (errno 1406) (sqlstate 22001) ...". */
function rowErrorOf(error: unknown): StatementRefusedError | null {
  if (!(error instanceof DatabaseError)) return null;
  // The statement's own text comes later in the message, so the first match is the server's.
  const match = /\(errno (\d+)\) \(sqlstate (\w{5})\)/.exec(error.message);
  const errno = Number(match?.[1]);
  const sqlstate = match?.[2] ?? '';
  const isRowError = ROW_ERRNOS.has(errno) || ROW_SQLSTATE_CLASSES.includes(sqlstate.slice(0, 2));
  return isRowError ? new StatementRefusedError(errno) : null;
}

/** The same connection for one call, which is broken off when its caller gives up, and not a moment later. */
function withSignal({ config }: Client, signal: AbortSignal): Client {
  const send = config.fetch as typeof fetch;
  return new Client({
    ...config,
    fetch: (input: string, init?: RequestInit) => send(input, { ...init, signal }),
  });
}

/** One request's view on MySQL: each statement is traced, timed out and tried again as `callStore` says. */
export function planetscaleClient(connection: Client, timeoutMs: number, trace: Trace): SqlClient {
  return {
    execute: (sql, values) =>
      callStore({ store: 'database', trace, timeoutMs, classify }, async (signal) => {
        try {
          const result = await withSignal(connection, signal()).execute(sql, [...values]);
          if (!Array.isArray(result.rows)) throw new StoreUnavailableError('database', 'protocol');
          return { rows: result.rows as Row[], rowsAffected: result.rowsAffected };
        } catch (error) {
          throw rowErrorOf(error) ?? error;
        }
      }),
  };
}
