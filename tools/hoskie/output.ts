import { styleText } from 'node:util';

type Colour = 'red' | 'green' | 'yellow' | 'bold' | 'dim';

const FIRST_ROWS = 50;

/** A cell: null is shown as a dash. */
export type Cell = string | number | boolean | null;

/** Colours only on a terminal, and not if NO_COLOR is set (https://no-color.org). */
export const paint = (colour: Colour, text: string): string =>
  styleText(colour, text, { stream: process.stdout, validateStream: true });

// C0 and C1 controls, and characters that change the direction of text: a user agent or a name must not move the
// cursor, colour the screen or pass for another one.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside, safe for a terminal. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A result on standard output. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

let isJson = false;

/** From now on standard error has JSON lines: `{"note": ...}` and `{"error": ...}`. */
export function useJson(): void {
  isJson = true;
}

/** A note on standard error. */
export function note(line: string): void {
  process.stderr.write(isJson ? jsonLine({ note: line.replace(/^hoskie: /, '') }) : `${line}\n`);
}

/** An error for `sayError`, beside its message and exit code: what a program can act on. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** Why the command failed, on standard error. */
export function sayError(message: string, exitCode: number, details: ErrorDetails = {}): void {
  const line = isJson
    ? jsonLine({ error: { message, exit_code: exitCode, ...details } })
    : `hoskie: ${message}\n`;
  process.stderr.write(line);
}

/** JSON itself escapes only C0. */
export const jsonLine = (value: unknown): string => `${printable(JSON.stringify(value))}\n`;

/** One JSON document on one line, so that `--follow` prints JSON lines. */
export function sayJson(value: unknown): void {
  process.stdout.write(jsonLine(value));
}

/** Prints aligned columns. */
export function sayTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => cellText(row[i] ?? null).length)),
  );
  say(paint('bold', lineOf(headings, widths)));
  for (const row of rows) say(lineOf(row, widths));
}

/** Cells in columns of at least these widths. */
export const lineOf = (cells: readonly Cell[], widths: readonly number[]): string =>
  cells
    .map((cell, i) => cellText(cell).padEnd(widths[i] ?? 0))
    .join('  ')
    .trimEnd();

/** Prints a table of at most 50 rows, and how many more there are. */
export function sayFirstRows(headings: readonly string[], rows: readonly (readonly Cell[])[]): void {
  sayTable(headings, rows.slice(0, FIRST_ROWS));
  if (rows.length > FIRST_ROWS) say(`... and ${rows.length - FIRST_ROWS} more; --json shows all.`);
}

function cellText(cell: Cell): string {
  if (cell === null || cell === '') return '-';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return printable(String(cell));
}

/** RFC 3339 in UTC; null for no time. */
export const timeText = (atMs: number | null): string | null =>
  atMs === null ? null : new Date(atMs).toISOString();

/** `1 session`, `2 sessions`. */
export const count = (n: number, noun: string, plural = `${noun}s`): string =>
  `${n} ${n === 1 ? noun : plural}`;
