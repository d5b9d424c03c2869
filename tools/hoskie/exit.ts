import { isStoreUnavailable, type StoreName, type StoreUnavailableError } from '../../src/errors.ts';
import { EventRefusedError } from '../../src/activity/activity-log.ts';
import { StatementRefusedError } from '../../src/store/sql-client.ts';
import type { ErrorDetails } from './output.ts';
import { UserRefusedError } from './stores/user-admin.ts';

/** Exit codes, listed in docs/cli.md. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, storeOut: 4, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with one line on standard error. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

const STORES = { redis: 'Redis', database: 'MySQL' } as const;
const FAULTS = {
  timeout: "doesn't reply in time",
  unreachable: "can't be reached",
  refused: 'refuses the request',
  protocol: 'sent an unexpected reply',
  superseded: 'reports that the request came too late',
} as const;

/** No such database, access denied, or no right to a table, a column or an operation (MySQL, "Server Error Reference"). */
const ACCESS_ERRNOS = new Set([1044, 1045, 1049, 1142, 1143, 1227]);
/** The column or the table doesn't exist. */
const SCHEMA_ERRNOS = new Set([1054, 1146]);
const ACCESS_STATUSES = new Set([401, 403]);
/** A wrong token, none, or one without the right to this command, such as a read-only one. */
const ACCESS_REDIS_ERRORS = new Set(['WRONGPASS', 'NOAUTH', 'NOPERM']);
const CREDENTIALS: Readonly<Record<StoreName, string>> = {
  redis: 'UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN',
  database: 'DATABASE_URL',
};

function refusesAccess({ reason: { said = {} } }: StoreUnavailableError): boolean {
  const { errno = 0, httpStatus = 0, redisError = '' } = said;
  return ACCESS_ERRNOS.has(errno) || ACCESS_STATUSES.has(httpStatus) || ACCESS_REDIS_ERRORS.has(redisError);
}

/** Describes an outage without the vendor's text: what happened, its number, and the next thing to do. */
export function describeOutage(error: StoreUnavailableError): string {
  const { store, fault, said = {} } = error.reason;
  const numbers = [
    ...(said.errno === undefined ? [] : [`errno ${said.errno}`]),
    ...(said.httpStatus === undefined ? [] : [`HTTP ${said.httpStatus}`]),
    ...(said.redisError === undefined ? [] : [said.redisError]),
  ];
  const advice = refusesAccess(error)
    ? ` Check ${CREDENTIALS[store]}.`
    : SCHEMA_ERRNOS.has(said.errno ?? 0)
      ? ' A table or a column is missing: see hoskie schema diff.'
      : said.redisError === 'OOM'
        ? ' It is full: raise its limit.'
        : fault === 'timeout'
          ? ' --timeout allows more.'
          : '';
  return `${STORES[store]} ${FAULTS[fault]}${numbers.length > 0 ? ` (${numbers.join(', ')})` : ''}.${advice}`;
}

/** Wrong credentials are the operator's to fix, so they are no outage. */
export const exitCodeOf = (error: StoreUnavailableError): ExitCode =>
  refusesAccess(error) ? EXIT.usage : EXIT.storeOut;

/** The same for programs. */
export function detailsOf({ reason: { store, fault, said = {} } }: StoreUnavailableError): ErrorDetails {
  return {
    store,
    fault,
    ...(said.errno !== undefined && { errno: said.errno }),
    ...(said.httpStatus !== undefined && { http_status: said.httpStatus }),
    ...(said.redisError !== undefined && { redis_error: said.redisError }),
  };
}

/** Turns an error into one line and an exit code. Hides the text of unexpected errors, which may hold secrets. */
export function describeError(error: unknown): {
  message: string;
  exitCode: ExitCode;
  details?: ErrorDetails;
} {
  if (error instanceof CliError) return error;
  if (isStoreUnavailable(error))
    return { message: describeOutage(error), exitCode: exitCodeOf(error), details: detailsOf(error) };
  if (error instanceof UserRefusedError || error instanceof StatementRefusedError) {
    const { errno } = error;
    return { message: `MySQL refused the row (errno ${errno}).`, exitCode: EXIT.failed, details: { errno } };
  }
  if (error instanceof EventRefusedError)
    return { message: `MySQL refused the event (${error.reason}).`, exitCode: EXIT.failed };
  if (error instanceof Error && error.name === 'ExitPromptError')
    return { message: 'Stopped; nothing was changed.', exitCode: EXIT.interrupted };
  const place = error instanceof Error ? /[\w-]+\.ts:\d+/.exec(error.stack ?? '')?.[0] : undefined;
  const name = error instanceof Error ? error.name : typeof error;
  return {
    message: `Unexpected error (${name}${place === undefined ? '' : ` at ${place}`}).`,
    exitCode: EXIT.failed,
  };
}
