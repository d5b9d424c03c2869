import { existsSync } from 'node:fs';
import { CliError, EXIT } from '../exit.ts';

export const ENVIRONMENTS = ['staging', 'production'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export const CONFIG_FILE = 'wrangler.toml';

/** One environment of wrangler.toml. */
export interface WorkerConfig {
  readonly environment: Environment;
  readonly name: string;
  /** Hosts and paths; empty: the Worker is on workers.dev. */
  readonly routes: readonly string[];
  /** Where people reach it, with `BASE_PATH`; null: wrangler.toml doesn't say. */
  readonly url: string | null;
  readonly sessionCookie: string;
  readonly csrfCookie: string;
}

interface RawConfig {
  readonly name?: string;
  readonly route?: Route;
  readonly routes?: readonly Route[];
  readonly vars?: Readonly<Record<string, string | number | boolean>>;
}
type Route = string | { readonly pattern: string };

/** Reads wrangler.toml in the working directory, as wrangler does. */
export async function readWorkerConfig(environment: Environment): Promise<WorkerConfig> {
  if (!existsSync(CONFIG_FILE))
    throw new CliError(EXIT.usage, `There is no ${CONFIG_FILE} here: run this in the checkout.`);
  const { unstable_readConfig: readConfig } = await import('wrangler');
  // Its declared type needs packages that aren't installed.
  let raw: unknown;
  try {
    raw = readConfig({ config: CONFIG_FILE, env: environment }, { hideWarnings: true });
  } catch (error) {
    throw new CliError(EXIT.usage, error instanceof Error ? error.message : `${CONFIG_FILE} can't be read.`);
  }
  const { name, route, routes = route === undefined ? [] : [route], vars = {} } = raw as RawConfig;
  if (name === undefined) throw new CliError(EXIT.usage, `${CONFIG_FILE} has no name for ${environment}.`);
  const patterns = routes.map((each) => (typeof each === 'string' ? each : each.pattern));
  const textOf = (variable: string, fallback: string): string => String(vars[variable] ?? '') || fallback;
  return {
    environment,
    name,
    routes: patterns,
    url: urlOf(textOf('PUBLIC_URL', ''), patterns, textOf('BASE_PATH', '/')),
    sessionCookie: textOf('SESSION_COOKIE_NAME', 'sessionid'),
    csrfCookie: textOf('CSRF_COOKIE_NAME', 'csrftoken'),
  };
}

function urlOf(publicUrl: string, patterns: readonly string[], basePath: string): string | null {
  // `login.example.org` or `login.example.org/*`; one with a star in its host names no host.
  const hosts = patterns.flatMap((pattern) => /^([^*/]+)(?:\/.*)?$/.exec(pattern)?.[1] ?? []);
  const origin = publicUrl || (hosts[0] === undefined ? '' : `https://${hosts[0]}`);
  return origin === '' ? null : new URL(basePath, origin).href;
}
