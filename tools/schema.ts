import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseDatabaseUrl } from '../src/store/database-url.ts';
import {
  planetscaleClient,
  planetscaleConnection,
  StatementRefusedError,
} from '../src/store/planetscale-client.ts';
import { NO_TRACE, StoreUnavailableError } from '../src/store/store-call.ts';
import { splitStatements } from './local-cloud/sql-file.ts';

// `npm run schema`: applies schema.sql over DATABASE_URL (environment or .dev.vars). Safe to repeat.

const DDL_TIMEOUT_MS = 60_000;

function fail(message: string): never {
  console.error(`npm run schema: ${message}`);
  process.exit(1);
}

const devVars = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {};
const url =
  process.env['DATABASE_URL'] ??
  devVars['DATABASE_URL'] ??
  fail('set DATABASE_URL (or put it into .dev.vars).');
const credentials =
  parseDatabaseUrl(url) ?? fail('DATABASE_URL is malformed; mysql://user:password@host/database is wanted.');
const sql = planetscaleClient(planetscaleConnection(credentials, DDL_TIMEOUT_MS), DDL_TIMEOUT_MS, NO_TRACE);

for (const statement of splitStatements(readFileSync('schema.sql', 'utf8'))) {
  const name = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement)?.[1] ?? 'statement';
  try {
    await sql.execute(statement, []);
    console.log(`${name}: there`);
  } catch (error) {
    if (error instanceof StoreUnavailableError)
      fail(`${name}: the database did not take it (${error.fault}).`);
    if (error instanceof StatementRefusedError) fail(`${name}: refused (MySQL error ${error.errno}).`);
    throw error;
  }
}
