import { readFileSync } from 'node:fs';
import type { CloudProxy } from './proxy.ts';

/** The statements of an SQL file: each ends with `;` at the end of a line, comments are lines that begin with `--`. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*--/.test(line)) continue;
    // A comment may follow the semicolon; inside of a statement comments are left to the server.
    const ending = /^(.*);\s*(--.*)?$/.exec(line);
    if (ending === null) {
      lines.push(line);
      continue;
    }
    statements.push([...lines, ending[1] ?? ''].join('\n').trim());
    lines = [];
  }
  statements.push(lines.join('\n').trim());
  return statements.filter((statement) => statement !== '');
}

/** Runs the statements of a file on the proxy's database, one after the other; stops at the first error. */
export async function applySqlFile(proxy: CloudProxy, path: string): Promise<void> {
  for (const statement of splitStatements(readFileSync(path, 'utf8'))) await proxy.query(statement);
}
