/** What counts when two schemas are compared. */
export interface Column {
  /** In lower case; integers without their display width, which MySQL 8 no longer reports. */
  readonly type: string;
  readonly isNullable: boolean;
  /** Null: not a text column. */
  readonly collation: string | null;
}

export interface Index {
  readonly columns: readonly string[];
  readonly isUnique: boolean;
}

export interface Table {
  readonly columns: ReadonlyMap<string, Column>;
  /** The primary key is called PRIMARY. */
  readonly indexes: ReadonlyMap<string, Index>;
}

export type Schema = ReadonlyMap<string, Table>;

/** With the words of schema.sql, from which statements are made. */
export interface WantedColumn extends Column {
  /** What follows the column's name. */
  readonly definition: string;
  /** NULL, or a default: rows that are there, and older code, need no value for it. */
  readonly isOptional: boolean;
}

export interface WantedTable extends Table {
  readonly columns: ReadonlyMap<string, WantedColumn>;
  /** The whole CREATE TABLE IF NOT EXISTS. */
  readonly statement: string;
}

export type WantedSchema = ReadonlyMap<string, WantedTable>;

export const normalType = (type: string): string =>
  type
    .toLowerCase()
    .replace(/\b(tinyint|smallint|mediumint|int|bigint)\(\d+\)/, '$1')
    .trim();

// Where a column's type ends.
const AFTER_TYPE = / (?:CHARACTER SET|COLLATE|NOT NULL|NULL|DEFAULT|AUTO_INCREMENT|COMMENT)\b.*$/;

/** Reads `CREATE TABLE` statements as written in schema.sql: one column or key a line. */
export function parseSchema(statements: readonly string[]): WantedSchema {
  const schema = new Map<string, WantedTable>();
  for (const statement of statements) {
    const name = /^CREATE TABLE IF NOT EXISTS (\w+) \(/.exec(statement)?.[1];
    if (name === undefined) throw new Error('schema.sql has a statement other than CREATE TABLE');
    const columns = new Map<string, WantedColumn>();
    const indexes = new Map<string, Index>();
    for (const line of statement.split('\n').slice(1, -1)) {
      const text = line.trim().replace(/,$/, '');
      const key = /^(PRIMARY KEY|UNIQUE KEY|KEY)(?: (\w+))? \(([\w, ]+)\)$/.exec(text);
      if (key !== null) {
        const [, kind, keyName = 'PRIMARY', list = ''] = key;
        indexes.set(keyName, { columns: list.split(', '), isUnique: kind !== 'KEY' });
        continue;
      }
      const at = text.indexOf(' ');
      const definition = text.slice(at + 1);
      const withoutComment = text.replace(/ COMMENT .*$/, '');
      const isNullable = !/ NOT NULL\b/.test(withoutComment);
      columns.set(text.slice(0, at), {
        type: normalType(definition.replace(AFTER_TYPE, '')),
        isNullable,
        collation: / COLLATE (\w+)/.exec(text)?.[1] ?? null,
        definition,
        isOptional: isNullable || / DEFAULT /.test(withoutComment),
      });
    }
    schema.set(name, { columns, indexes, statement });
  }
  return schema;
}
