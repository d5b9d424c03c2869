/** An error as PlanetScale gives it in a body with status 200. */
export interface VitessError {
  code: string;
  message: string;
}

/** What mysql2 attaches to an error that the server sent. */
export interface MysqlError {
  errno: number;
  sqlState: string;
  message: string;
}

/** Vitess' codes for MySQL's error numbers (go/vt/vttablet/tabletserver: convertErrorCode). */
const CODES: Readonly<Record<string, readonly number[]>> = {
  UNIMPLEMENTED: [1235],
  RESOURCE_EXHAUSTED: [1021, 1037, 1038, 1040, 1041, 1114, 1129, 1135, 1153, 1203, 1206, 1226],
  DEADLINE_EXCEEDED: [1205],
  UNAVAILABLE: [1053, 2006, 2013],
  NOT_FOUND: [1029, 1032, 1051, 1054, 1094, 1109, 1141, 1146, 1147, 1176],
  PERMISSION_DENIED: [1044, 1045, 1095, 1142, 1143, 1211, 1227, 1370],
  FAILED_PRECONDITION: [
    1046, 1082, 1091, 1099, 1100, 1104, 1148, 1162, 1165, 1169, 1173, 1179, 1215, 1216, 1217, 1223, 1241,
    1242, 1264, 1288, 1289, 1291, 1364, 1451, 1452, 1792,
  ],
  ALREADY_EXISTS: [1050, 1062, 1086, 1125],
  ABORTED: [1078, 1080, 1152, 1213, 1317],
  INVALID_ARGUMENT: [
    1047, 1048, 1049, 1052, 1055, 1056, 1057, 1058, 1059, 1060, 1061, 1063, 1064, 1065, 1066, 1067, 1068,
    1069, 1070, 1071, 1072, 1073, 1074, 1075, 1083, 1084, 1089, 1090, 1093, 1096, 1097, 1101, 1102, 1103,
    1106, 1107, 1108, 1110, 1111, 1112, 1113, 1115, 1136, 1140, 1149, 1170, 1171, 1231, 1265, 1292, 1366,
    1406, 1411, 1690, 3140, 3141,
  ],
};

const CODE_BY_NUMBER: ReadonlyMap<number, string> = new Map(
  Object.entries(CODES).flatMap(([code, numbers]) => numbers.map((number) => [number, code] as const)),
);

/** A MySQL error in PlanetScale's words. Like the real one it quotes the SQL: a message to match, never to show. */
export function vitessError(error: MysqlError, sql: string, database: string, user: string): VitessError {
  const { errno, sqlState, message } = asMysql(error);
  const code = CODE_BY_NUMBER.get(errno) ?? 'UNKNOWN';
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

/** MariaDB's own numbers for what MySQL has, too. */
function asMysql(error: MysqlError): MysqlError {
  if (error.errno !== 4025) return error;
  const name = /`([^`]+)`/.exec(error.message)?.[1] ?? 'unknown';
  return { errno: 3819, sqlState: 'HY000', message: `Check constraint '${name}' is violated.` };
}

/** ALREADY_EXISTS is AlreadyExists in gRPC's own text. */
function grpcName(code: string): string {
  return code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
