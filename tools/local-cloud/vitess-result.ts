import type { FieldPacket, ResultSetHeader } from 'mysql2';
import { vitessField, type VitessField } from './vitess-field.ts';

/** A row: the columns' bytes one after the other in base64, and each column's length; -1 stands for NULL. */
export interface VitessRow {
  lengths: string[];
  values?: string;
}

/** A statement's result; what is zero or empty is left out, and 64-bit numbers are strings (protobuf's JSON). */
export interface VitessResult {
  fields?: VitessField[];
  rows?: VitessRow[];
  rowsAffected?: string;
  insertId?: string;
}

/** The result of a SELECT and its like, from rows of raw column bytes. */
export function rowsResult(
  columns: readonly FieldPacket[],
  rows: readonly (Buffer | null)[][],
): VitessResult {
  const result: VitessResult = { fields: columns.map(vitessField) };
  if (rows.length > 0) result.rows = rows.map(vitessRow);
  return result;
}

/** The result of a statement without rows. */
export function changeResult(header: ResultSetHeader): VitessResult {
  const result: VitessResult = {};
  // mysql2 gives numbers beyond 2^53 as strings.
  if (Number(header.affectedRows) > 0) result.rowsAffected = String(header.affectedRows);
  if (Number(header.insertId) > 0) result.insertId = String(header.insertId);
  return result;
}

function vitessRow(row: readonly (Buffer | null)[]): VitessRow {
  const lengths = row.map((value) => (value === null ? '-1' : String(value.length)));
  const values = Buffer.concat(row.filter((value) => value !== null));
  return values.length === 0 ? { lengths } : { lengths, values: values.toString('base64') };
}
