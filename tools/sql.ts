import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseEnv } from 'node:util';
import { Client, DatabaseError } from '@planetscale/database';
import { parseDatabaseUrl } from '../src/store/database-url.ts';

// `npm run sql`: a SQL prompt on the development database, or on that of DATABASE_URL where it is set.
// `npm run sql -- "SELECT ..."` runs one statement.

const DEV_BINDINGS = '.local/dev/worker.env';

function fail(message: string): never {
  console.error(`npm run sql: ${message}`);
  process.exit(1);
}

function findDatabaseUrl(): string {
  const fromEnvironment = process.env['DATABASE_URL'];
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (!existsSync(DEV_BINDINGS)) fail('start npm run dev first, or set DATABASE_URL.');
  return parseEnv(readFileSync(DEV_BINDINGS, 'utf8'))['DATABASE_URL'] ?? fail('no DATABASE_URL is known.');
}

const credentials = parseDatabaseUrl(findDatabaseUrl()) ?? fail('DATABASE_URL is malformed.');
const connection = new Client({
  host: credentials.host,
  username: credentials.username,
  password: credentials.password,
  fetch: (input: string, init?: RequestInit) =>
    fetch(credentials.protocol === 'http:' ? input.replace(/^https:/, 'http:') : input, init),
}).connection();

/** Prints the rows as a table; answers whether the statement was good. */
async function run(statement: string): Promise<boolean> {
  try {
    const result = await connection.execute(statement);
    if (result.headers.length > 0) console.table(result.rows);
    console.log(`${result.size} rows, ${result.rowsAffected} affected, ${result.time.toFixed(1)} ms`);
    return true;
  } catch (error) {
    const isAnswered = error instanceof DatabaseError;
    console.error(
      isAnswered ? error.message.split(': Sql:')[0] : 'The database does not answer. Is npm run dev running?',
    );
    return false;
  }
}

const given = process.argv.slice(2).join(' ').trim();
if (given !== '') process.exit((await run(given)) ? 0 : 1);

console.log('SQL on users, login_activity and logout_activity. End with Ctrl-D.');
const prompt = createInterface({ input: process.stdin, output: process.stdout, prompt: 'sql> ' });
prompt.prompt();
for await (const line of prompt) {
  if (/^\s*(?:exit|quit)\s*;?\s*$/i.test(line)) break;
  if (line.trim() !== '') await run(line.replace(/;\s*$/, ''));
  prompt.prompt();
}
prompt.close();
