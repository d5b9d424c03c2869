import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseSettings, type Settings } from '../../src/settings.ts';
import { CliError, EXIT } from './exit.ts';
import { note } from './output.ts';

/** What a command needs: the stores, or what events are pushed with. */
export type Need = 'redis' | 'database' | 'webhooks';

const STORE_CREDENTIALS = {
  redis: ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
  database: ['DATABASE_URL'],
};
const CREDENTIALS: Readonly<Record<Need, readonly string[]>> = {
  ...STORE_CREDENTIALS,
  webhooks: ['WEBHOOKS', 'ASSERTION_KEYS', 'PUBLIC_URL'],
};
const ALL_CREDENTIALS = Object.values(STORE_CREDENTIALS).flat();

const DEV_VARS = '.dev.vars';
const DEV_BINDINGS = '.local/dev/worker.env';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Well-formed values for what a command doesn't need, so that `parseSettings` accepts them. Nothing is sent there.
 */
const PLACEHOLDERS: Variables = {
  UPSTASH_REDIS_REST_URL: 'https://redis.invalid',
  UPSTASH_REDIS_REST_TOKEN: 'none',
  DATABASE_URL: 'mysql://none:none@database.invalid/none',
  SECRET_KEY: 'hoskie-creates-no-csrf-tokens-and-needs-no-secret',
};

/** Whether SECRET_KEY was set where the credentials are. */
export const hasSecretKey = ({ SECRET_KEY }: Settings): boolean => SECRET_KEY !== PLACEHOLDERS['SECRET_KEY'];

interface Source {
  readonly name: string;
  readonly variables: Variables;
}

/**
 * Finds the credentials and settings and parses them as the Worker does. Looks only into `--env FILE` if it is given,
 * otherwise into the environment, `.dev.vars` and the local cloud of `npm run dev`. Uses only the first source that has
 * any credential, so that one environment's Redis is never combined with another's MySQL.
 */
export function readEnvironment(envFile: string | undefined, needs: readonly Need[]): Settings {
  const needed = needs.flatMap((need) => CREDENTIALS[need]);
  const source = findSource(envFile, needed);
  const missing = needed.filter((name) => isEmpty(source.variables[name]));
  if (missing.length > 0) {
    throw new CliError(EXIT.usage, `${missing.join(' and ')}: not set in ${source.name}.`);
  }
  const variables: Record<string, string | undefined> = { ...source.variables };
  for (const [name, placeholder] of Object.entries(PLACEHOLDERS)) {
    if (!needed.includes(name) && (name !== 'SECRET_KEY' || isEmpty(variables[name])))
      variables[name] = placeholder;
  }
  const result = parseSettings(variables);
  if (!result.ok)
    throw new CliError(EXIT.usage, `${result.malformed.join(' and ')}: malformed in ${source.name}.`);
  return result.settings;
}

function findSource(envFile: string | undefined, needed: readonly string[]): Source {
  const names = [...new Set([...ALL_CREDENTIALS, ...needed])];
  if (envFile !== undefined) return { name: envFile, variables: readEnvFile(envFile) };
  const sources: (() => Source)[] = [
    () => ({ name: 'the environment', variables: process.env }),
    () => ({ name: DEV_VARS, variables: existsSync(DEV_VARS) ? readEnvFile(DEV_VARS) : {} }),
    () => ({ name: DEV_BINDINGS, variables: existsSync(DEV_BINDINGS) ? readEnvFile(DEV_BINDINGS) : {} }),
  ];
  for (const open of sources) {
    const source = open();
    if (names.every((name) => isEmpty(source.variables[name]))) continue;
    if (source.name === DEV_BINDINGS) note(`hoskie: using the local cloud of npm run dev (${DEV_BINDINGS}).`);
    return source;
  }
  throw new CliError(
    EXIT.usage,
    `No credentials. Set ${(needed.length > 0 ? needed : ALL_CREDENTIALS).join(', ')} in the environment or in ${DEV_VARS}, name a file with --env FILE, or start npm run dev.`,
  );
}

function readEnvFile(path: string): Variables {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch {
    throw new CliError(EXIT.usage, `${path} can't be read.`);
  }
}

const isEmpty = (value: string | undefined): boolean => value === undefined || value === '';
