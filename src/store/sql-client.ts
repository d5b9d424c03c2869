import { Client, DatabaseError, UnknownError } from '@planetscale/database';
import { storeUnavailable, type StoreErrorCode } from '../errors.ts';
import type { DatabaseCredentials } from '../lib/database-url.ts';
import { callStore, type ClassifiedError } from './call-store.ts';
import type { StoreTrace } from './store-trace.ts';

/** A value to be put into SQL. Nothing else: an array or object would change the statement's shape. */
export type SqlValue = string | number | null;
export type Row = Record<string, unknown>;

/** What we ask of MySQL. */
export interface SqlClient {
  /**
   * Runs one statement, with `?` for each value.
   *
   * @throws `StatementRefusedError` if MySQL will never store these data, `store_unavailable` for all else
   */
  execute(sql: string, values: readonly SqlValue[]): Promise<{ rows: Row[]; rowsAffected: number }>;
}

/** MySQL will never take this row: a data or constraint error. Holds the error's number and nothing else. */
export class StatementRefusedError extends Error {
  override readonly name = 'StatementRefusedError';
  readonly errno: number;
  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/**
 * Errors of the row itself (server error references of MySQL 8 and MariaDB). Classes 22 and 23 of sqlstate are data and
 * constraint errors. These further ones come with the general HY000: a CHECK (3819 in MySQL, 4025 in MariaDB), a
 * character that the column can't hold (1366), no default (1364), a trigger's refusal (1644, sqlstate 45000).
 */
const ROW_ERRNOS = new Set([1265, 1364, 1366, 1644, 3819, 4025]);
const ROW_SQLSTATE_CLASSES = ['22', '23'];

/** The vendor's client passes credentials to `btoa`, which accepts Latin-1 only: we hand it their UTF-8 bytes. */
const utf8AsLatin1 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/**
 * The vendor's client, one for a whole isolate: `Client`, as a `Connection` keeps one Vitess session, which concurrent
 * requests must not share. `timeoutMs` is for each attempt.
 */
export function planetscaleClient(credentials: DatabaseCredentials, timeoutMs: number): Client {
  return new Client({
    host: credentials.host,
    username: utf8AsLatin1(credentials.username),
    password: utf8AsLatin1(credentials.password),
    // The client has no time-out of its own, and always says https.
    fetch: async (input: string, init?: RequestInit) => {
      const url = credentials.protocol === 'http:' ? input.replace(/^https:/, 'http:') : input;
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
      const text = await response.text();
      // The client would take any JSON for success, and so a row that was never written for written.
      if (response.ok && !isReply(JSON.parse(text))) throw new SyntaxError('neither a result nor an error');
      return new Response(text, response);
    },
  });
}

const isReply = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && ('result' in body || 'error' in body);

/** The client's texts hold the SQL with its values, so only the kind of error leaves this file. */
function classify(error: unknown): ClassifiedError | 'rethrow' {
  if (error instanceof StatementRefusedError) return 'rethrow';
  if (error instanceof UnknownError) return { fault: 'unreachable', final: false, said: codeOf(error) };
  if (error instanceof DatabaseError)
    return { fault: 'refused', final: error.status < 500, said: codeOf(error) };
  if (error instanceof SyntaxError) return { fault: 'protocol', final: false };
  return { fault: 'unreachable', final: false };
}

/** Vitess passes MySQL's numbers on inside its message: "... (errno 1406) (sqlstate 22001) ...". */
function numbersIn(message: string): RegExpExecArray | null {
  // The statement's own text comes later in the message, so the first match is the server's.
  return /\(errno (\d+)\) \(sqlstate (\w{5})\)/.exec(message);
}

/** An error inside a response of status 200 has a number instead of a status. */
function codeOf({ message, status }: DatabaseError): StoreErrorCode {
  const match = numbersIn(message);
  return match === null ? { httpStatus: status } : { errno: Number(match[1]) };
}

function rowErrorOf(error: unknown): StatementRefusedError | null {
  if (!(error instanceof DatabaseError)) return null;
  const match = numbersIn(error.message);
  const errno = Number(match?.[1]);
  const sqlstate = match?.[2] ?? '';
  const isRowError = ROW_ERRNOS.has(errno) || ROW_SQLSTATE_CLASSES.includes(sqlstate.slice(0, 2));
  return isRowError ? new StatementRefusedError(errno) : null;
}

/** The client of one request: each statement is traced, limited in time and tried again as `callStore` says. */
export function sqlClient(client: Client, timeoutMs: number, trace: StoreTrace): SqlClient {
  return {
    execute: (sql, values) =>
      callStore({ store: 'database', trace, timeoutMs, classify }, async () => {
        try {
          const result = await client.execute(sql, [...values]);
          if (!Array.isArray(result.rows)) throw storeUnavailable('database', 'protocol');
          return { rows: result.rows as Row[], rowsAffected: result.rowsAffected };
        } catch (error) {
          throw rowErrorOf(error) ?? error;
        }
      }),
  };
}
