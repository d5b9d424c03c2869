import type { SqlClient } from '../../../src/store/sql-client.ts';
import { normalType, type Column, type Index, type Schema } from './parse-schema.ts';

/** Reads the tables of the connected database from information_schema (SQL:2003 part 11; MySQL's names). */
export async function readSchema(sql: SqlClient): Promise<Schema> {
  const schema = new Map<string, { columns: Map<string, Column>; indexes: Map<string, Index> }>();
  const tableOf = (name: unknown) => {
    const key = String(name);
    const table = schema.get(key) ?? {
      columns: new Map<string, Column>(),
      indexes: new Map<string, Index>(),
    };
    schema.set(key, table);
    return table;
  };

  // Aliases, because MySQL 8 returns these column names in upper case and MariaDB in lower case.
  const columns = await sql.execute(
    `SELECT table_name AS tbl, column_name AS col, column_type AS type, is_nullable AS nullable,
            collation_name AS collation_of
       FROM information_schema.columns WHERE table_schema = DATABASE()`,
    [],
  );
  for (const row of columns.rows) {
    tableOf(row['tbl']).columns.set(String(row['col']), {
      type: normalType(String(row['type'])),
      isNullable: row['nullable'] === 'YES',
      collation: typeof row['collation_of'] === 'string' ? row['collation_of'] : null,
    });
  }

  const indexes = await sql.execute(
    `SELECT table_name AS tbl, index_name AS idx, non_unique AS nonunique, column_name AS col
       FROM information_schema.statistics WHERE table_schema = DATABASE()
       ORDER BY table_name, index_name, seq_in_index`,
    [],
  );
  for (const row of indexes.rows) {
    const table = tableOf(row['tbl']);
    const name = String(row['idx']);
    const previous = table.indexes.get(name)?.columns ?? [];
    table.indexes.set(name, {
      columns: [...previous, String(row['col'])],
      isUnique: Number(row['nonunique']) === 0,
    });
  }
  return schema;
}
