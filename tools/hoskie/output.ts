import { styleText } from 'node:util';

type Colour = 'red' | 'green' | 'yellow' | 'bold' | 'dim';

/** A cell: null is shown as a dash. */
export type Cell = string | number | boolean | null;

/** Colours on a terminal alone, and not where NO_COLOR is set (https://no-color.org). */
export const paint = (colour: Colour, text: string): string =>
  styleText(colour, text, { stream: process.stdout, validateStream: true });

// C0 and C1 controls, and what turns the direction of text: a user agent or a name must not move the cursor,
// colour the screen or look like another one.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside, safe for a terminal. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A result on standard output. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** What a person should know beside the result; on standard error. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One JSON document, on one line: `--follow` makes it JSON lines. */
export function sayJson(value: unknown): void {
  // JSON escapes C0 alone; a terminal minds the others as well.
  say(
    JSON.stringify(value).replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** Columns under their headings, as wide as their widest cell; the last one is not padded. */
export function sayTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const texts = rows.map((row) => row.map(cellText));
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...texts.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  say(paint('bold', line(headings)));
  for (const row of texts) say(line(row));
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
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
