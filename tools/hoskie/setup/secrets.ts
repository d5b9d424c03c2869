import { randomBytes } from 'node:crypto';
import { parseSettings } from '../../../src/settings.ts';
import { newSigningKey, toKeySet } from '../../signing-keys.ts';
import { CliError, EXIT } from '../exit.ts';
import { runWrangler, tryWrangler, wranglerFailed } from '../wrangler/run-wrangler.ts';
import type { WorkerConfig } from '../wrangler/worker-config.ts';

export const REDIS_SECRETS = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'] as const;
export const SECRETS = [...REDIS_SECRETS, 'DATABASE_URL', 'SECRET_KEY', 'ASSERTION_KEYS'] as const;
export type SecretName = (typeof SECRETS)[number];
export type Values = Readonly<Partial<Record<string, string>>>;

/** As long as `openssl rand -base64 36` prints. */
const SECRET_KEY_BYTES = 36;

/** New values for what nobody has to choose. */
export const MADE_HERE: Readonly<Partial<Record<SecretName, () => string>>> = {
  SECRET_KEY: () => randomBytes(SECRET_KEY_BYTES).toString('base64'),
  ASSERTION_KEYS: () => toKeySet([newSigningKey()]),
};

/** Well-formed, so that only the given value can be malformed. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  UPSTASH_REDIS_REST_URL: 'https://redis.invalid',
  UPSTASH_REDIS_REST_TOKEN: 'none',
  DATABASE_URL: 'mysql://none:none@database.invalid/none',
  SECRET_KEY: 'x'.repeat(32),
};

export function isMalformed(name: SecretName, value: string): boolean {
  const result = parseSettings({ ...PLACEHOLDERS, [name]: value });
  return value === '' || !result.ok;
}

/** What has to be set: what is missing or to be replaced. Redis's address and token belong together. */
export function findNeeded(
  known: ReadonlySet<string> | null,
  replace: readonly SecretName[],
): ReadonlySet<SecretName> {
  const needed = new Set(SECRETS.filter((name) => known?.has(name) !== true || replace.includes(name)));
  if (REDIS_SECRETS.some((name) => needed.has(name))) for (const name of REDIS_SECRETS) needed.add(name);
  return needed;
}

/** The names of the secrets that a Worker has; Cloudflare gives no values back. Null: there is no such Worker. */
export async function listSecrets({ environment }: WorkerConfig): Promise<ReadonlySet<string> | null> {
  const args = ['secret', 'list', '--env', environment];
  const result = await tryWrangler(args);
  if (result.exitCode !== 0) {
    if (isWorkerMissing(result.stderr)) return null;
    const { message } = wranglerFailed(args, result);
    throw new CliError(
      EXIT.failed,
      `${message} Sign in with npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.`,
    );
  }
  const list = JSON.parse(result.stdout) as readonly { readonly name: string }[];
  return new Set(list.map(({ name }) => name));
}

/** What `wrangler secret list` says of a Worker that doesn't exist, in a line of its own. */
export const isWorkerMissing = (stderr: string): boolean => /\bWorker "[^"\n]+".* not found\.$/m.test(stderr);

/** Sends secrets to the Worker through standard input; one without deployment is made for them. */
export async function putSecrets({ environment }: WorkerConfig, values: Values): Promise<void> {
  await runWrangler(['secret', 'bulk', '--env', environment], JSON.stringify(values));
}
