import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { splitStatements } from '../../local-cloud/sql-file.ts';
import { addCommand, setAction, type Finish } from '../command.ts';
import { EXIT } from '../exit.ts';
import { say, sayJson, sayTable } from '../output.ts';
import { compareSchemas } from '../schema/compare-schemas.ts';
import { parseSchema } from '../schema/parse-schema.ts';
import { readSchema } from '../schema/read-schema.ts';
import { openStores } from '../stores.ts';

const SCHEMA_FILE = join(import.meta.dirname, '../../../schema.sql');

const readStatements = (): string[] => splitStatements(readFileSync(SCHEMA_FILE, 'utf8'));

export function addSchemaCommands(program: Command, finish: Finish): void {
  const schema = program.command('schema').description('the tables in MySQL');
  addApply(schema, finish);
  addDiff(schema, finish);
}

function addApply(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'apply',
    summary: 'create the tables of schema.sql that are missing; changes no existing ones',
    examples: [['schema apply', 'may be repeated']],
  });
  setAction(command, finish, async (options) => {
    const { sql } = openStores(options, 'database');
    const before = await readSchema(sql);
    const tables: { name: string; created: boolean }[] = [];
    for (const statement of readStatements()) {
      const [name = ''] = parseSchema([statement]).keys();
      await sql.execute(statement, []);
      tables.push({ name, created: !before.has(name) });
    }
    if (options.json === true) sayJson({ tables });
    else for (const { name, created } of tables) say(`${name}: ${created ? 'created' : 'already exists'}`);
  });
}

function addDiff(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'diff',
    summary: 'compare the database with schema.sql; exits with 1 on a difference',
    examples: [['schema diff', 'missing tables, columns and indexes, and different types or collations']],
  });
  setAction(command, finish, async (options) => {
    const { sql } = openStores(options, 'database');
    const differences = compareSchemas(parseSchema(readStatements()), await readSchema(sql));
    if (options.json === true) sayJson({ differences });
    else if (differences.length === 0) say('The database has everything in schema.sql.');
    else {
      sayTable(
        ['DIFFERENCE', 'NAME', 'WANTED', 'FOUND'],
        differences.map(({ kind, name, wanted, found }) => [kind.replace('_', ' '), name, wanted, found]),
      );
    }
    return differences.length > 0 ? EXIT.failed : EXIT.ok;
  });
}
