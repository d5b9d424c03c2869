import { parseDatabaseUrl } from '../../../src/lib/database-url.ts';
import { planetscaleClient, sqlClient, type SqlClient } from '../../../src/store/sql-client.ts';
import { StoreTrace } from '../../../src/store/store-trace.ts';
import { skip, type Doctor } from '../doctor/doctor.ts';
import { CliError, EXIT } from '../exit.ts';
import { note } from '../output.ts';
import { askSecret, askText } from '../prompts.ts';
import type { Difference } from '../schema/compare-schemas.ts';
import type { WantedSchema } from '../schema/parse-schema.ts';
import { checkMysql } from './check-mysql.ts';
import { checkRedis } from './check-redis.ts';
import { isMalformed, REDIS_SECRETS, type SecretName, type Values } from './secrets.ts';

/** Where credentials come from. */
export interface Source {
  /** In the environment or a file. */
  readonly given: Values;
  readonly mayAsk: boolean;
  /** What has to be set at Cloudflare. */
  readonly isNeeded: (name: SecretName) => boolean;
}

export interface Database {
  readonly url: string;
  readonly sql: SqlClient;
  readonly additions: readonly Difference[];
}

const TRIES = 3;
/** An index may take long to build. */
const STATEMENT_TIMEOUT_MS = 60_000;
const NOT_GIVEN = 'not tried: it is set at Cloudflare, which gives no secret back';

const LABELS: Readonly<Record<string, string>> = {
  UPSTASH_REDIS_REST_URL: 'UPSTASH_REDIS_REST_URL (Upstash console > Details > REST API)',
  UPSTASH_REDIS_REST_TOKEN: 'UPSTASH_REDIS_REST_TOKEN (the standard token next to it)',
  DATABASE_URL: 'DATABASE_URL (PlanetScale console > Connect, role Read/Write)',
};

/** Tries the Redis that the Worker is to use. Null: it is set, and was not given. */
export async function collectRedis(doctor: Doctor, source: Source): Promise<Values | null> {
  if (!REDIS_SECRETS.some(source.isNeeded) && REDIS_SECRETS.some((name) => !source.given[name])) {
    await doctor.check('Redis', async () => skip(NOT_GIVEN));
    return null;
  }
  return retryWhatWasAsked(source, REDIS_SECRETS, async (values) => {
    const url = values['UPSTASH_REDIS_REST_URL'] ?? '';
    const token = values['UPSTASH_REDIS_REST_TOKEN'] ?? '';
    return (await checkRedis(doctor, { url, token })) ? values : null;
  });
}

/** Tries the database that the Worker is to use. Null: it is set, and was not given. */
export async function collectDatabase(
  doctor: Doctor,
  source: Source,
  wanted: WantedSchema,
): Promise<Database | null> {
  if (!source.isNeeded('DATABASE_URL') && !source.given['DATABASE_URL']) {
    await doctor.check('MySQL', async () => skip(NOT_GIVEN));
    return null;
  }
  return retryWhatWasAsked(source, ['DATABASE_URL'], async ({ DATABASE_URL: url = '' }) => {
    const sql = openSql(url);
    const { additions, isFine } = await checkMysql(doctor, sql, wanted);
    return isFine ? { url, sql, additions } : null;
  });
}

export function openSql(url: string): SqlClient {
  const credentials = parseDatabaseUrl(url);
  if (credentials === null) throw new CliError(EXIT.usage, 'ADMIN_DATABASE_URL is malformed.');
  return sqlClient(
    planetscaleClient(credentials, STATEMENT_TIMEOUT_MS),
    STATEMENT_TIMEOUT_MS,
    new StoreTrace(),
  );
}

/** `attempt` returns null if the values don't work: who typed them may try again. */
async function retryWhatWasAsked<T>(
  { given, mayAsk }: Source,
  names: readonly SecretName[],
  attempt: (values: Values) => Promise<T | null>,
): Promise<T> {
  const missing = names.filter((name) => !given[name]);
  if (missing.length > 0 && !mayAsk)
    throw new CliError(
      EXIT.usage,
      `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: set ${missing.length === 1 ? 'it' : 'them'} in the environment or in the file of --env-file.`,
    );
  for (let tries = 1; ; tries += 1) {
    const values: Record<string, string> = {};
    for (const name of names) values[name] = given[name] || (await askFor(name));
    const malformed = names.filter((name) => isMalformed(name, values[name] ?? ''));
    const result = malformed.length > 0 ? null : await attempt(values);
    if (result !== null) return result;
    if (malformed.length > 0) note(`hoskie: ${malformed.join(' and ')}: malformed.`);
    if (missing.length === 0 || tries === TRIES)
      throw new CliError(EXIT.failed, `${names.join(' and ')}: see above. Nothing was changed.`);
    note('hoskie: Try again, or press Ctrl-C.');
  }
}

const askFor = (name: SecretName): Promise<string> =>
  (name === 'UPSTASH_REDIS_REST_URL' ? askText : askSecret)(LABELS[name] ?? name);
