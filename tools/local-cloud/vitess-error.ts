import type { FaultEffect } from './faults.ts';

/** An error as PlanetScale gives it in a body with status 200. */
export interface VitessError {
  code: string;
  message: string;
}

/** The fault of a store that replies with this error, in the body of a reply with status 200. */
export const vitessFault = (error: VitessError): FaultEffect => ({
  kind: 'status',
  status: 200,
  body: JSON.stringify({ session: null, error }),
});

/** What mysql2 attaches to an error that the server sent. */
interface MysqlError {
  errno: number;
  sqlState: string;
  message: string;
}

/** Vitess' codes for what a program may meet; others are UNKNOWN here. go/vt/vttablet/tabletserver: convertErrorCode */
// prettier-ignore
const CODES: Readonly<Record<number, string>> = {
  1040: 'RESOURCE_EXHAUSTED', 1114: 'RESOURCE_EXHAUSTED', 1153: 'RESOURCE_EXHAUSTED', 1203: 'RESOURCE_EXHAUSTED',
  1205: 'DEADLINE_EXCEEDED', 1213: 'ABORTED', 1317: 'ABORTED', 1053: 'UNAVAILABLE',
  1054: 'NOT_FOUND', 1146: 'NOT_FOUND', 1050: 'ALREADY_EXISTS', 1062: 'ALREADY_EXISTS',
  1044: 'PERMISSION_DENIED', 1045: 'PERMISSION_DENIED', 1142: 'PERMISSION_DENIED', 1143: 'PERMISSION_DENIED',
  1264: 'FAILED_PRECONDITION', 1364: 'FAILED_PRECONDITION', 1451: 'FAILED_PRECONDITION', 1452: 'FAILED_PRECONDITION',
  1048: 'INVALID_ARGUMENT', 1055: 'INVALID_ARGUMENT', 1064: 'INVALID_ARGUMENT', 1136: 'INVALID_ARGUMENT',
  1140: 'INVALID_ARGUMENT', 1265: 'INVALID_ARGUMENT', 1292: 'INVALID_ARGUMENT', 1366: 'INVALID_ARGUMENT',
  1406: 'INVALID_ARGUMENT',
};

/** A MySQL error in PlanetScale's words. Like the real one it quotes the SQL: a message to match, never to show. */
export function vitessError(error: MysqlError, sql: string, database: string, user: string): VitessError {
  const { errno, sqlState, message } = asMysql(error);
  const code = CODES[errno] ?? 'UNKNOWN';
  return {
    code,
    message:
      `target: ${database}.0.primary: vttablet: rpc error: code = ${grpcName(code)} desc = ${message} ` +
      `(errno ${errno}) (sqlstate ${sqlState}) (CallerID: ${user}): Sql: ${JSON.stringify(sql)}, BindVars: {}`,
  };
}

/** True for an error that the server sent, false for a connection that failed. */
export function isServerError(error: unknown): error is MysqlError {
  if (!(error instanceof Error)) return false;
  const { errno, sqlState } = error as Partial<MysqlError>;
  return typeof errno === 'number' && errno >= 1_000 && typeof sqlState === 'string';
}

/** MySQL's words for an error for which MariaDB has its own. */
function asMysql(error: MysqlError): MysqlError {
  if (error.errno !== 4025) return error;
  const name = /`([^`]+)`/.exec(error.message)?.[1] ?? 'unknown';
  return { errno: 3819, sqlState: 'HY000', message: `Check constraint '${name}' is violated.` };
}

/** ALREADY_EXISTS is AlreadyExists in gRPC's own text. */
function grpcName(code: string): string {
  return code.toLowerCase().replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
