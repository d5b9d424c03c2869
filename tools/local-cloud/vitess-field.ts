import type { FieldPacket } from 'mysql2';

/** A column of a PlanetScale result; zero values are left out, as protobuf's JSON does. */
export interface VitessField {
  name: string;
  type?: string;
  table?: string;
  orgTable?: string;
  database?: string;
  orgName?: string;
  columnLength?: number;
  charset?: number;
  decimals?: number;
  flags?: number;
}

// Column flags: https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html
const UNSIGNED = 32;
const BINARY = 128;
const ENUM = 256;
const SET = 2048;

/** MySQL's column types as Vitess names them, before the flags are looked at (go/mysql: mysqlToType). */
const TYPES: Readonly<Record<number, string>> = {
  0: 'DECIMAL',
  1: 'INT8',
  2: 'INT16',
  3: 'INT32',
  4: 'FLOAT32',
  5: 'FLOAT64',
  7: 'TIMESTAMP',
  8: 'INT64',
  9: 'INT24',
  10: 'DATE',
  11: 'TIME',
  12: 'DATETIME',
  13: 'YEAR',
  15: 'VARCHAR',
  16: 'BIT',
  17: 'TIMESTAMP',
  18: 'DATETIME',
  19: 'TIME',
  242: 'VECTOR',
  245: 'JSON',
  246: 'DECIMAL',
  247: 'ENUM',
  248: 'SET',
  249: 'TEXT',
  250: 'TEXT',
  251: 'TEXT',
  252: 'TEXT',
  253: 'VARCHAR',
  254: 'CHAR',
  255: 'GEOMETRY',
};

const BINARY_TYPES: Readonly<Record<string, string>> = { TEXT: 'BLOB', VARCHAR: 'VARBINARY', CHAR: 'BINARY' };

/**
 * The column as PlanetScale describes it.
 *
 * The binary flag turns CHAR, VARCHAR and TEXT into BINARY, VARBINARY and BLOB, also for text with a `_bin` collation:
 * only the charset (63) tells bytes from text.
 */
export function vitessField(column: FieldPacket): VitessField {
  const flags = typeof column.flags === 'number' ? column.flags : 0;
  const field: VitessField = { name: column.name };
  const type = vitessType(column.columnType ?? column.type ?? 0, flags, column.extendedFormat === 'json');
  if (type !== null) field.type = type;
  if (column.table) field.table = column.table;
  if (column.orgTable) field.orgTable = column.orgTable;
  const database = column.schema ?? column.db;
  if (database) field.database = database;
  if (column.orgName) field.orgName = column.orgName;
  if (column.columnLength) field.columnLength = column.columnLength >>> 0;
  // MySQL calls JSON binary; MariaDB stores it as text.
  const charset = type === 'JSON' ? 63 : column.characterSet;
  if (charset) field.charset = charset;
  if (column.decimals) field.decimals = column.decimals;
  if (flags) field.flags = flags;
  return field;
}

function vitessType(columnType: number, flags: number, json: boolean): string | null {
  const type = TYPES[columnType];
  if (type === undefined) return null;
  // MariaDB's JSON is text that it marks as JSON.
  if (json) return 'JSON';
  if (type.startsWith('INT') && (flags & UNSIGNED) !== 0) return `U${type}`;
  if (type === 'CHAR' && (flags & ENUM) !== 0) return 'ENUM';
  if (type === 'CHAR' && (flags & SET) !== 0) return 'SET';
  if ((flags & BINARY) !== 0) return BINARY_TYPES[type] ?? type;
  return type;
}
