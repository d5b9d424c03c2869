import type { Column, Index, Schema, Table } from './parse-schema.ts';

export interface Difference {
  readonly kind:
    'missing_table' | 'missing_column' | 'different_column' | 'missing_index' | 'different_index';
  /** `users`, `users.email`, `users.users_username`. */
  readonly name: string;
  /** As in schema.sql. */
  readonly wanted: string | null;
  readonly found: string | null;
}

/** What is missing or different in the database. Extra tables, columns and indexes don't count. */
export function compareSchemas(wanted: Schema, found: Schema): Difference[] {
  const differences: Difference[] = [];
  for (const [name, table] of wanted) {
    const there = found.get(name);
    if (there === undefined) differences.push({ kind: 'missing_table', name, wanted: null, found: null });
    else differences.push(...compareColumns(name, table, there), ...compareIndexes(name, table, there));
  }
  return differences;
}

function compareColumns(tableName: string, wanted: Table, found: Table): Difference[] {
  const differences: Difference[] = [];
  for (const [columnName, column] of wanted.columns) {
    const name = `${tableName}.${columnName}`;
    const there = found.columns.get(columnName);
    const text = describeColumn(column);
    if (there === undefined) differences.push({ kind: 'missing_column', name, wanted: text, found: null });
    else if (describeColumn(there) !== text)
      differences.push({ kind: 'different_column', name, wanted: text, found: describeColumn(there) });
  }
  return differences;
}

function compareIndexes(tableName: string, wanted: Table, found: Table): Difference[] {
  const differences: Difference[] = [];
  const texts = [...found.indexes.values()].map(describeIndex);
  for (const [indexName, index] of wanted.indexes) {
    const text = describeIndex(index);
    // The name of an index doesn't matter.
    if (texts.includes(text)) continue;
    const there = found.indexes.get(indexName);
    differences.push({
      kind: there === undefined ? 'missing_index' : 'different_index',
      name: `${tableName}.${indexName}`,
      wanted: text,
      found: there === undefined ? null : describeIndex(there),
    });
  }
  return differences;
}

const describeColumn = ({ type, isNullable, collation }: Column): string =>
  [type, collation ?? '', isNullable ? 'null' : 'not null'].filter((word) => word !== '').join(' ');

const describeIndex = ({ columns, isUnique }: Index): string =>
  `${isUnique ? 'unique ' : ''}(${columns.join(', ')})`;
