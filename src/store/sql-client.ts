import { Client, DatabaseError, UnknownError } from '@planetscale/database';
import { storeUnavailable } from '../errors.ts';
import type { DatabaseCredentials } from '../lib/database-url.ts';
import { callStore, type Verdict } from './call-store.ts';
import { codeOf, refusalOf, StatementRefusedError } from './sql-errors.ts';
import type { StoreTrace } from './store-trace.ts';

export { StatementRefusedError, UnexplainedRefusalError } from './sql-errors.ts';

/** A value to be put into SQL. Nothing else: an array or object would change the statement's shape. */
export type SqlValue = string | number | null;
export type Row = Record<string, unknown>;

/** What we ask of MySQL. */
export interface SqlClient {
  /**
   * Runs one statement, with `?` for each value.
   *
   * @throws `StatementRefusedError` if MySQL will never store these data, `store_unavailable` for all else: as
   *   `UnexplainedRefusalError` if it may be the data or not
   */
  execute(sql: string, values: readonly SqlValue[]): Promise<{ rows: Row[]; rowsAffected: number }>;
}

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

/** The client's texts hold the SQL with its values, so only the kind of error leaves this folder. */
function classify(error: unknown): Verdict {
  const refusal = refusalOf(error);
  if (refusal !== null)
    return { fault: 'refused', final: refusal instanceof StatementRefusedError, error: refusal };
  if (error instanceof UnknownError) return { fault: 'unreachable', final: false, said: codeOf(error) };
  // In-band errors have status 400, a deadlock as well as a missing table: only credentials stay wrong.
  if (error instanceof DatabaseError)
    return { fault: 'refused', final: [401, 403].includes(error.status), said: codeOf(error) };
  if (error instanceof SyntaxError) return { fault: 'protocol', final: false };
  return { fault: 'unreachable', final: false };
}

/** The client of one request: each statement is traced, limited in time and tried again as `callStore` says. */
export function sqlClient(client: Client, timeoutMs: number, trace: StoreTrace): SqlClient {
  return {
    execute: (sql, values) =>
      callStore({ store: 'database', trace, timeoutMs, classify }, async () => {
        const result = await client.execute(sql, [...values]);
        if (!Array.isArray(result.rows)) throw storeUnavailable('database', 'protocol');
        return { rows: result.rows as Row[], rowsAffected: result.rowsAffected };
      }),
  };
}
