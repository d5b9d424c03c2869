import { readFileSync } from 'node:fs';
import { CliError, EXIT } from '../exit.ts';

/** A user in the file, not validated yet. */
export interface DumpedUser {
  /** `line 12`, `entry 3`. */
  readonly place: string;
  /** The digits of a number; null if the dump has none (natural keys). */
  readonly id: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Dump {
  readonly users: readonly DumpedUser[];
  /** Number of entries of other models, which are ignored. */
  readonly others: number;
}

/** Django's built-in model. `--model` names another. */
export const DEFAULT_MODEL = 'auth.user';

/**
 * Reads `manage.py dumpdata` as JSON or JSON lines, or a table of users as CSV with Django's column names in its
 * first row; detects which. Throws `CliError` for anything else.
 */
export async function readDump(path: string, model: string): Promise<Dump> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new CliError(
      EXIT.usage,
      error instanceof TypeError ? `${path} is not UTF-8 text.` : `${path} can't be read.`,
    );
  }
  const start = text.trimStart();
  if (start.startsWith('[')) return fromObjects(parseJson(text, path), 'entry', model, path);
  if (start.startsWith('{')) {
    const lines = text.split('\n').map((line, i) => ({ line: line.trim(), number: i + 1 }));
    const objects = lines
      .filter(({ line }) => line !== '')
      .map((each) => parseJson(each.line, path, each.number));
    return fromObjects(objects, 'line', model, path);
  }
  return fromCsv(text, path);
}

/** Keeps ids as their digits, as they may be beyond 2^53. */
function parseJson(text: string, path: string, line?: number): unknown {
  const keepDigits = (key: string, value: unknown, context: { source?: string }): unknown =>
    key === 'pk' && typeof value === 'number' ? context.source : value;
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch {
    throw new CliError(EXIT.usage, `${path} is not JSON${line === undefined ? '' : ` in line ${line}`}.`);
  }
}

function fromObjects(value: unknown, word: 'entry' | 'line', model: string, path: string): Dump {
  const entries = Array.isArray(value) ? (value as unknown[]) : [];
  const users: DumpedUser[] = [];
  const models = new Set<string>();
  entries.forEach((entry, i) => {
    const { model: name, pk, fields } = (entry ?? {}) as { model?: unknown; pk?: unknown; fields?: unknown };
    if (typeof name !== 'string' || typeof fields !== 'object' || fields === null)
      throw new CliError(EXIT.usage, `${path} is no Django dump: ${word} ${i + 1} has no model and fields.`);
    models.add(name.toLowerCase());
    if (name.toLowerCase() !== model.toLowerCase()) return;
    users.push({ place: `${word} ${i + 1}`, id: pk ?? null, fields: fields as Record<string, unknown> });
  });
  if (users.length === 0 && entries.length > 0) {
    throw new CliError(
      EXIT.usage,
      `${path} has no ${model}; it has ${[...models].sort().slice(0, 10).join(', ')}. Name yours with --model.`,
    );
  }
  return { users, others: entries.length - users.length };
}

async function fromCsv(text: string, path: string): Promise<Dump> {
  const { parse, CsvError } = await import('csv-parse/sync');
  let rows: { record: Record<string, string>; info: { lines: number } }[];
  try {
    rows = parse(text, {
      bom: true,
      columns: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = (error as { lines?: number }).lines;
    throw new CliError(
      EXIT.usage,
      `${path} is neither JSON nor CSV${line === undefined ? '' : ` (line ${line})`}.`,
    );
  }
  const columns = Object.keys(rows[0]?.record ?? { username: '', password: '' });
  const missing = ['username', 'password'].filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new CliError(EXIT.usage, `${path} has no column ${missing.join(' and ')} in its first row.`);
  }
  const users = rows.map(({ record, info }) => {
    const { id, ...fields } = Object.fromEntries(
      Object.entries(record).map(([column, value]) => [column, cellValue(column, value)]),
    );
    return { place: `line ${info.lines}`, id: id ?? null, fields };
  });
  return { users, others: 0 };
}

/** Columns that can be NULL in some database. (A first name may be "Null".) */
const NULLABLE_COLUMNS = ['id', 'email', 'last_login'];

/** NULL is written as nothing, as `\\N` (MySQL, PostgreSQL) or as the word. */
function cellValue(column: string, value: string): string | null {
  if (value === '\\N') return null;
  return NULLABLE_COLUMNS.includes(column) && (value === '' || value === 'NULL') ? null : value;
}
