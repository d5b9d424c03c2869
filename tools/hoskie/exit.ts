import { isStoreUnavailable, type StoreUnavailableError } from '../../src/errors.ts';
import { EventRefusedError } from '../../src/activity/activity-log.ts';
import { StatementRefusedError } from '../../src/store/sql-client.ts';
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
  refused: 'refuses the request (are the credentials right, and do the tables exist?)',
  protocol: 'sent an unexpected reply',
  superseded: 'reports that the request came too late',
} as const;

/** Describes an outage without the vendor's text. */
export const describeOutage = (error: StoreUnavailableError): string =>
  `${STORES[error.reason.store]} ${FAULTS[error.reason.fault]}.`;

/** Turns an error into one line and an exit code. Hides the text of unexpected errors, which may hold secrets. */
export function describeError(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof CliError) return error;
  if (isStoreUnavailable(error)) return { message: describeOutage(error), exitCode: EXIT.storeOut };
  if (error instanceof UserRefusedError || error instanceof StatementRefusedError)
    return { message: `MySQL refused the row (error ${error.errno}).`, exitCode: EXIT.failed };
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
