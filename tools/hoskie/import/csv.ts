import { pipeline, Readable } from 'node:stream';
import { CliError, EXIT } from '../exit.ts';
import type { DumpedUser } from './dump.ts';

/** Columns that can be NULL in some database. (A first name may be "Null".) */
const NULLABLE_COLUMNS = ['id', 'email', 'last_login'];
/** Far longer than a user; a bound for files whose quotes never close. */
const ROW_MAX_CHARACTERS = 1024 * 1024;

/** The users of a CSV file with Django's column names in its first row. */
export async function* readCsv(text: AsyncIterable<string>, path: string): AsyncGenerator<DumpedUser> {
  const { parse, CsvError } = await import('csv-parse');
  const rows = parse({
    columns: (columns: string[]) => requireColumns(columns, path),
    skip_empty_lines: true,
    info: true,
    max_record_size: ROW_MAX_CHARACTERS,
  });
  // An error of the source ends the parser, whose reader gets it.
  pipeline(Readable.from(text), rows, () => undefined);
  try {
    for await (const row of rows) {
      const { record, info } = row as { record: Record<string, string>; info: { lines: number } };
      const { id, ...fields } = Object.fromEntries(
        Object.entries(record).map(([column, value]) => [column, cellValue(column, value)]),
      );
      yield { place: { unit: 'line', number: info.lines }, id: id ?? null, fields };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = (error as { lines?: number }).lines;
    throw new CliError(
      EXIT.usage,
      `${path} is neither JSON nor CSV${line === undefined ? '' : ` (line ${line})`}.`,
    );
  }
}

function requireColumns(columns: string[], path: string): string[] {
  const missing = ['username', 'password'].filter((column) => !columns.includes(column));
  if (missing.length > 0)
    throw new CliError(EXIT.usage, `${path} has no column ${missing.join(' and ')} in its first row.`);
  return columns;
}

/** NULL is written as nothing, as `\\N` (MySQL, PostgreSQL) or as the word. */
function cellValue(column: string, value: string): string | null {
  if (value === '\\N') return null;
  return NULLABLE_COLUMNS.includes(column) && (value === '' || value === 'NULL') ? null : value;
}
