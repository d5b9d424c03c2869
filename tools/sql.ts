import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseEnv } from 'node:util';
import { DatabaseError } from '@planetscale/database';
import { parseDatabaseUrl } from '../src/lib/database-url.ts';
import { planetscaleClient } from '../src/store/sql-client.ts';

// `npm run sql`: an SQL prompt for the development database, or for DATABASE_URL if it is set.
// `npm run sql -- "SELECT ..."` runs one statement.

/** Files with a DATABASE_URL, tried in this order after the environment. */
const BINDING_FILES = ['.dev.vars', '.local/dev/worker.env'];
const STATEMENT_TIMEOUT_MS = 60_000;

function fail(message: string): never {
  console.error(`npm run sql: ${message}`);
  process.exit(1);
}

function findDatabaseUrl(): string {
  const known = BINDING_FILES.filter((path) => existsSync(path)).map(
    (path) => parseEnv(readFileSync(path, 'utf8'))['DATABASE_URL'],
  );
  const url = [process.env['DATABASE_URL'], ...known].find((each) => each !== undefined && each !== '');
  return url ?? fail('start npm run dev first, or set DATABASE_URL.');
}

const credentials = parseDatabaseUrl(findDatabaseUrl()) ?? fail('DATABASE_URL is malformed.');
const connection = planetscaleClient(credentials, STATEMENT_TIMEOUT_MS).connection();

/** Prints the rows as a table. Returns whether the statement succeeded. */
async function run(statement: string): Promise<boolean> {
  try {
    const result = await connection.execute(statement);
    if (result.headers.length > 0) console.table(result.rows);
    console.log(
      `${result.size} ${result.size === 1 ? 'row' : 'rows'}, ${result.rowsAffected} affected, ${result.time.toFixed(1)} ms`,
    );
    return true;
  } catch (error) {
    const isRefused = error instanceof DatabaseError;
    console.error(
      isRefused ? error.message.split(': Sql:')[0] : "The database can't be reached. Is npm run dev running?",
    );
    return false;
  }
}

const given = process.argv.slice(2).join(' ').trim();
if (given !== '') process.exit((await run(given)) ? 0 : 1);

console.log('SQL on users, login_activity and logout_activity. Press Ctrl-D to quit.');
const prompt = createInterface({ input: process.stdin, output: process.stdout, prompt: 'sql> ' });
// Piped input may end while a statement is running.
let isOpen = true;
prompt.on('close', () => (isOpen = false));
prompt.prompt();
for await (const line of prompt) {
  if (/^\s*(?:exit|quit)\s*;?\s*$/i.test(line)) break;
  if (line.trim() !== '') await run(line.replace(/;\s*$/, ''));
  if (isOpen) prompt.prompt();
}
prompt.close();
