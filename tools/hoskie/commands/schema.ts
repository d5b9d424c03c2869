import type { Command } from 'commander';
import { addCommand, setAction, type Finish } from '../command.ts';
import { EXIT } from '../exit.ts';
import { printable, say, sayJson } from '../output.ts';
import { applyAdditions } from '../schema/apply-additions.ts';
import { compareSchemas, type Difference } from '../schema/compare-schemas.ts';
import { readSchema } from '../schema/read-schema.ts';
import { readStatements, readWanted } from '../schema/read-wanted.ts';
import { openStores } from '../stores.ts';

const COMPLETE = 'The database has everything in schema.sql.';

export function addSchemaCommands(program: Command, finish: Finish): void {
  const schema = program.command('schema').description('the tables in MySQL');
  addApply(schema, finish);
  addDiff(schema, finish);
}

function addApply(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'apply',
    summary: 'add the tables, columns and indexes that are missing; exits with 1 if a difference is left',
    examples: [
      ['schema apply', 'may be repeated; prints the statements that would change what is there'],
      ['schema apply --views', 'also creates or replaces the views of schema-views.sql'],
    ],
  }).option('--views', 'also create or replace the views of schema-views.sql');
  setAction<{ views?: boolean }>(command, finish, async (options) => {
    const { sql } = openStores(options, 'database');
    const result = await applyAdditions(sql, readWanted());
    const { applied, left } = result;
    if (options.json === true) sayJson(result);
    else {
      for (const { name } of applied) say(`-- ${name}: added`);
      if (left.length === 0) say(`-- ${COMPLETE}`);
      else say('-- Not run, as these change what is there, or MySQL refused them:');
      sayStatements(left);
    }
    if (options.views === true) {
      for (const statement of readStatements('schema-views.sql')) await sql.execute(statement, []);
      if (options.json !== true) say('-- The views of schema-views.sql: created or replaced.');
    }
    return left.length > 0 ? EXIT.failed : EXIT.ok;
  });
}

function addDiff(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'diff',
    summary: 'compare the database with schema.sql, as SQL; exits with 1 on a difference',
    examples: [['schema diff > changes.sql', 'the statements that end the differences, in their order']],
  });
  setAction(command, finish, async (options) => {
    const { sql } = openStores(options, 'database');
    const differences = compareSchemas(readWanted(), await readSchema(sql));
    if (options.json === true) sayJson({ differences });
    else if (differences.length === 0) say(`-- ${COMPLETE}`);
    else sayStatements(differences);
    return differences.length > 0 ? EXIT.failed : EXIT.ok;
  });
}

/** SQL that can be run as it is: what differs stands above each statement, in a comment. */
function sayStatements(differences: readonly Difference[]): void {
  for (const { kind, name, wanted, found, statement } of differences) {
    const difference = [wanted ?? '', found === null ? '' : `found ${found}`].filter(Boolean).join(', ');
    // What was found has the database's own names: a line break would end the comment.
    say(printable(`-- ${kind.replace('_', ' ')} ${name}${difference === '' ? '' : `: ${difference}`}`));
    say(`${statement};`);
  }
}
