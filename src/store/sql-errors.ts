import { DatabaseError, UnknownError } from '@planetscale/database';
import { ServiceError, type StoreErrorCode } from '../errors.ts';

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
 * MySQL or Vitess refused this statement, and the error doesn't say whether the rows or the database are to blame:
 * Vitess uses number 1105 for much. An outage to all callers but the delivery, which finds out by writing fewer rows.
 */
export class UnexplainedRefusalError extends ServiceError {
  /** Null: Vitess gave no number. */
  readonly errno: number | null;
  constructor(errno: number | null) {
    const said = errno === null ? {} : { said: { errno } };
    super({ code: 'store_unavailable', store: 'database', fault: 'refused', ...said });
    this.errno = errno;
  }
}

/**
 * Errors of the row itself (server error references of MySQL 8 and MariaDB). Classes 22 and 23 of sqlstate are data and
 * constraint errors. These further ones come with the general HY000: a CHECK (3819 in MySQL, 4025 in MariaDB), a
 * character that the column can't hold (1366), no default (1364), a trigger's refusal (1644, sqlstate 45000).
 */
const ROW_ERRNOS = [1265, 1364, 1366, 1644, 3819, 4025];
const ROW_SQLSTATES = /^2[23]/;

/**
 * Errors of the database, not of a row. Classes of sqlstate: connection (08), login (28), rollback such as a deadlock
 * (40), a missing table or column (42S), interruption (70). The others come with a general sqlstate.
 */
const DATABASE_SQLSTATES = /^(?:08|28|40|42S|70)/;
// prettier-ignore
const DATABASE_ERRNOS = [
  // Access, a missing database.
  1044, 1046, 1049, 1142, 1143, 1227, 1370,
  // Files, disk, memory, a full or damaged table.
  1015, 1016, 1017, 1021, 1028, 1030, 1034, 1037, 1038, 1041, 1114, 1135, 1180, 1194, 1195,
  // Limits on connections and transactions, lock waits, time-outs, a changed table definition.
  1203, 1205, 1206, 1226, 1412, 1615, 1637, 1969, 3024, 3168, 3169, 3572,
  // Read-only, as after a failover.
  1036, 1290, 1792, 1836, 1874,
  // Vitess lost its own connection to MySQL.
  2002, 2003, 2006, 2013,
];
/** A larger packet than MySQL takes (sqlstate 08S01): fewer rows may fit. */
const PACKET_TOO_LARGE = 1153;

/** Vitess's catch-all, for which only its own code says more. */
const UNKNOWN_ERRNO = 1105;
/**
 * Vitess's codes (vtrpc.proto) for a database that can't serve this now, whatever the row: reparenting is CLUSTER_EVENT
 * or UNAVAILABLE, a full connection or transaction pool RESOURCE_EXHAUSTED, an ended transaction ABORTED.
 */
const DATABASE_CODES = [
  'UNAVAILABLE',
  'CLUSTER_EVENT',
  'RESOURCE_EXHAUSTED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'CANCELED',
  'NOT_FOUND',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
];

/** The client's status for each error in the reply's body, passing ones too, and for a request that can't be read. */
const REFUSED_STATUS = 400;
const TOO_LARGE_STATUS = 413;

/** Vitess passes MySQL's numbers on inside its message: "... (errno 1406) (sqlstate 22001) ...". */
function numbersIn(message: string): RegExpExecArray | null {
  // The statement's own text comes later in the message, so the first match is the server's.
  return /\(errno (\d+)\) \(sqlstate (\w{5})\)/.exec(message);
}

/** The number of an error inside a reply, or else the reply's status; and Vitess's code. */
export function codeOf({ message, status, body }: DatabaseError): StoreErrorCode {
  const match = numbersIn(message);
  return {
    ...(match === null ? { httpStatus: status } : { errno: Number(match[1]) }),
    ...(DATABASE_CODES.includes(body.code) && { vitessCode: body.code }),
  };
}

/** What a reply says against the statement's rows. Null: nothing; the database is to blame, or didn't reply. */
export function refusalOf(error: unknown): StatementRefusedError | UnexplainedRefusalError | null {
  if (!(error instanceof DatabaseError)) return null;
  if (error.status === TOO_LARGE_STATUS) return new UnexplainedRefusalError(null);
  if (error.status !== REFUSED_STATUS || error instanceof UnknownError) return null;
  const match = numbersIn(error.message);
  const errno = match === null ? null : Number(match[1]);
  const sqlstate = match?.[2] ?? '';
  if (errno === null || errno === UNKNOWN_ERRNO) {
    return DATABASE_CODES.includes(error.body.code) ? null : new UnexplainedRefusalError(errno);
  }
  if (ROW_ERRNOS.includes(errno) || ROW_SQLSTATES.test(sqlstate)) return new StatementRefusedError(errno);
  if (errno === PACKET_TOO_LARGE) return new UnexplainedRefusalError(errno);
  const isOfDatabase = DATABASE_ERRNOS.includes(errno) || DATABASE_SQLSTATES.test(sqlstate);
  return isOfDatabase ? null : new UnexplainedRefusalError(errno);
}
