import type { Column, Index, Schema, Table, WantedSchema, WantedTable } from './parse-schema.ts';

export interface Difference {
  readonly kind:
    'missing_table' | 'missing_column' | 'different_column' | 'missing_index' | 'different_index';
  /** `users`, `users.email`, `users.users_username`. */
  readonly name: string;
  /** As in schema.sql. */
  readonly wanted: string | null;
  readonly found: string | null;
  /** Ends the difference, on MySQL and MariaDB, once those before it in the list were run. */
  readonly statement: string;
  /** The statement changes and drops nothing, and code that doesn't know what it adds works on. */
  readonly onlyAdds: boolean;
}

/** What is missing or different in the database. Extra tables, columns and indexes don't count. */
export function compareSchemas(wanted: WantedSchema, found: Schema): Difference[] {
  return [...wanted].flatMap(([name, table]) => {
    const there = found.get(name);
    // Columns first, as indexes need them.
    if (there !== undefined)
      return [...compareColumns(name, table, there), ...compareIndexes(name, table, there)];
    const { statement } = table;
    return [{ kind: 'missing_table', name, wanted: null, found: null, statement, onlyAdds: true } as const];
  });
}

function compareColumns(tableName: string, wanted: WantedTable, found: Table): Difference[] {
  const differences: Difference[] = [];
  for (const [columnName, column] of wanted.columns) {
    const there = found.columns.get(columnName);
    const text = describeColumn(column);
    if (there !== undefined && describeColumn(there) === text) continue;
    const change = there === undefined ? 'ADD' : 'MODIFY';
    differences.push({
      kind: there === undefined ? 'missing_column' : 'different_column',
      name: `${tableName}.${columnName}`,
      wanted: text,
      found: there === undefined ? null : describeColumn(there),
      statement: `ALTER TABLE ${tableName} ${change} COLUMN ${columnName} ${column.definition}`,
      onlyAdds: there === undefined && column.isOptional,
    });
  }
  return differences;
}

function compareIndexes(tableName: string, wanted: WantedTable, found: Table): Difference[] {
  const differences: Difference[] = [];
  const texts = [...found.indexes.values()].map(describeIndex);
  /** There, or added before the index is. */
  const isReady = (column: string): boolean =>
    found.columns.has(column) || wanted.columns.get(column)?.isOptional === true;
  for (const [indexName, index] of wanted.indexes) {
    const text = describeIndex(index);
    // The name of an index doesn't matter.
    if (texts.includes(text)) continue;
    const there = found.indexes.get(indexName);
    const drop = there === undefined ? '' : `DROP ${keyName(indexName)}, `;
    differences.push({
      kind: there === undefined ? 'missing_index' : 'different_index',
      name: `${tableName}.${indexName}`,
      wanted: text,
      found: there === undefined ? null : describeIndex(there),
      statement: `ALTER TABLE ${tableName} ${drop}ADD ${describeKey(indexName, index)}`,
      onlyAdds: there === undefined && index.columns.every(isReady),
    });
  }
  return differences;
}

const describeColumn = ({ type, isNullable, collation }: Column): string =>
  [type, collation ?? '', isNullable ? 'null' : 'not null'].filter((word) => word !== '').join(' ');

const describeIndex = ({ columns, isUnique }: Index): string =>
  `${isUnique ? 'unique ' : ''}(${columns.join(', ')})`;

const keyName = (name: string): string => (name === 'PRIMARY' ? 'PRIMARY KEY' : `KEY ${name}`);

const describeKey = (name: string, { columns, isUnique }: Index): string =>
  `${isUnique && name !== 'PRIMARY' ? 'UNIQUE ' : ''}${keyName(name)} (${columns.join(', ')})`;
