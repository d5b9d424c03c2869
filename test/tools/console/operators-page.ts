import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitStatements } from '../../../tools/local-cloud/sql-file.ts';

const PAGE = join(import.meta.dirname, '../../../docs/operators.md');
const COST_HEADING = 'What they cost';

/** A million rows spread over a year; 91 days of a few users who sign in often. */
export type DataSet = 'year' | 'dense';

/** A line of the page's table of costs. */
export interface StatedCost {
  /** Names of indexes, in the order of the alphabet; empty where a whole table is read. */
  readonly indexes: readonly string[];
  readonly rowsRead: Readonly<Record<DataSet, number>>;
}

export interface OperatorsPage {
  /** The SQL of the page by the heading it stands under. */
  readonly statements: ReadonlyMap<string, string>;
  /** What the page says that they cost, by the same headings. */
  readonly costs: ReadonlyMap<string, StatedCost>;
}

/** Reads docs/operators.md. Throws where a heading has two statements: which one is meant could not be told. */
export function readOperatorsPage(): OperatorsPage {
  const statements = new Map<string, string>();
  const costs = new Map<string, StatedCost>();
  let heading = '';
  let block: { language: string; lines: string[] } | null = null;
  for (const line of readFileSync(PAGE, 'utf8').split('\n')) {
    const fence = /^```(\w*)$/.exec(line);
    if (block !== null && fence !== null) {
      if (block.language === 'sql') addStatement(statements, heading, block.lines);
      block = null;
    } else if (block !== null) block.lines.push(line);
    else if (fence !== null) block = { language: fence[1] ?? '', lines: [] };
    else if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    else if (heading === COST_HEADING) addCost(costs, line);
  }
  return { statements, costs };
}

function addStatement(statements: Map<string, string>, heading: string, lines: readonly string[]): void {
  const [statement, ...more] = splitStatements(lines.join('\n'));
  if (statement === undefined || more.length > 0 || statements.has(heading)) {
    throw new Error(`docs/operators.md: "${heading}" must have one statement`);
  }
  statements.set(heading, statement);
}

/** `| [title](#title) | `index`, `index` | 1,234 | 5.6 | 7,890 |`; the table's other lines have no link. */
function addCost(costs: Map<string, StatedCost>, line: string): void {
  const [, link = '', names = '', year = '', , dense = ''] = line.split('|').map((cell) => cell.trim());
  const title = /^\[(.+)\]\(/.exec(link)?.[1];
  if (title === undefined) return;
  if (link !== linkTo(title)) throw new Error(`docs/operators.md: a link to "${title}" is ${linkTo(title)}`);
  const indexes = [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  const rows = (text: string): number => Number(text.replaceAll(',', ''));
  costs.set(title, { indexes: indexes.sort(), rowsRead: { year: rows(year), dense: rows(dense) } });
}

/** A link to a heading, whose anchor is made as GitHub makes it. */
export function linkTo(heading: string): string {
  const anchor = heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
  return `[${heading}](#${anchor})`;
}
