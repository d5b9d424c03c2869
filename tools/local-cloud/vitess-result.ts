import type { FieldPacket, ResultSetHeader } from 'mysql2';

/** A row: the columns' bytes one after the other in base64, and each column's length; -1 stands for NULL. */
interface VitessRow {
  lengths: string[];
  values?: string;
}

/** A statement's result; what is zero or empty is left out, and 64-bit numbers are strings (protobuf's JSON). */
export interface VitessResult {
  fields?: ReturnType<typeof vitessField>[];
  rows?: VitessRow[];
  rowsAffected?: string;
  insertId?: string;
}

// Column flags: https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html
const UNSIGNED = 32;
const BINARY = 128;
const ENUM = 256;
const SET = 2048;

const BINARY_CHARSET = 63;

/** The column types that servers send, as Vitess names them before it looks at the flags (go/mysql: mysqlToType). */
// prettier-ignore
const TYPES: Readonly<Record<number, string>> = {
  1: 'INT8', 2: 'INT16', 3: 'INT32', 4: 'FLOAT32', 5: 'FLOAT64', 7: 'TIMESTAMP', 8: 'INT64', 9: 'INT24', 10: 'DATE',
  11: 'TIME', 12: 'DATETIME', 13: 'YEAR', 16: 'BIT', 245: 'JSON', 246: 'DECIMAL', 252: 'TEXT', 253: 'VARCHAR',
  254: 'CHAR',
};

const BINARY_TYPES: Readonly<Record<string, string>> = { TEXT: 'BLOB', VARCHAR: 'VARBINARY', CHAR: 'BINARY' };

/** The result of a SELECT and its like, from rows of raw column bytes. */
export function rowsResult(columns: readonly FieldPacket[], rows: (Buffer | null)[][]): VitessResult {
  const fields = columns.map(vitessField);
  return rows.length === 0 ? { fields } : { fields, rows: rows.map(vitessRow) };
}

/** The result of a statement without rows. */
export function changeResult({ affectedRows, insertId }: ResultSetHeader): VitessResult {
  // mysql2 gives numbers beyond 2^53 as strings.
  return {
    ...(Number(affectedRows) > 0 && { rowsAffected: String(affectedRows) }),
    ...(Number(insertId) > 0 && { insertId: String(insertId) }),
  };
}

function vitessRow(row: (Buffer | null)[]): VitessRow {
  const lengths = row.map((value) => String(value?.length ?? -1));
  const values = Buffer.concat(row.filter((value) => value !== null));
  return values.length === 0 ? { lengths } : { lengths, values: values.toString('base64') };
}

/** The column as PlanetScale describes it. Zero values are left out, as protobuf's JSON does. */
function vitessField(column: FieldPacket) {
  const flags = Number(column.flags);
  const type = vitessType(column, flags);
  return {
    name: column.name,
    type,
    table: column.table || undefined,
    orgTable: column.orgTable || undefined,
    database: column.schema || undefined,
    orgName: column.orgName || undefined,
    columnLength: (column.columnLength ?? 0) >>> 0 || undefined,
    // MySQL calls JSON binary; MariaDB stores it as text.
    charset: (type === 'JSON' ? BINARY_CHARSET : column.characterSet) || undefined,
    decimals: column.decimals || undefined,
    flags: flags || undefined,
  };
}

/**
 * The binary flag turns CHAR, VARCHAR and TEXT into BINARY, VARBINARY and BLOB, also for text with a `_bin` collation:
 * only the charset (63) distinguishes bytes from text.
 */
function vitessType(column: FieldPacket, flags: number): string | undefined {
  const type = TYPES[column.columnType ?? 0];
  // MariaDB's JSON is text that it marks as JSON.
  if (column.extendedFormat === 'json') return 'JSON';
  if (type?.startsWith('INT') && (flags & UNSIGNED) !== 0) return `U${type}`;
  if (type === 'CHAR' && (flags & ENUM) !== 0) return 'ENUM';
  if (type === 'CHAR' && (flags & SET) !== 0) return 'SET';
  return type !== undefined && (flags & BINARY) !== 0 ? (BINARY_TYPES[type] ?? type) : type;
}
