import { existsSync, readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { parseBasePath, parsePublicUrl } from '../../../src/settings.ts';
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
  /** With a slash at its end. */
  readonly basePath: string;
  readonly sessionCookie: string;
  readonly csrfCookie: string;
}

interface Section {
  readonly name?: string;
  readonly route?: Route;
  readonly routes?: readonly Route[];
  readonly vars?: Readonly<Record<string, string | number | boolean>>;
}
type Route = string | { readonly pattern: string };

/** Reads wrangler.toml in the working directory. (wrangler's own reader takes two seconds to load.) */
export const readWorkerConfig = (environment: Environment): WorkerConfig => {
  if (!existsSync(CONFIG_FILE))
    throw new CliError(EXIT.usage, `There is no ${CONFIG_FILE} here: run this in the checkout.`);
  return parseWorkerConfig(readFileSync(CONFIG_FILE, 'utf8'), environment);
};

export function parseWorkerConfig(text: string, environment: Environment): WorkerConfig {
  let top: Section & { readonly env?: Readonly<Record<string, Section>> };
  try {
    top = parse(text);
  } catch (error) {
    const where = error instanceof TomlError ? `: line ${error.line} is malformed` : '';
    throw new CliError(EXIT.usage, `${CONFIG_FILE} can't be read${where}.`);
  }
  const section = top.env?.[environment];
  if (section?.name === undefined)
    throw new CliError(EXIT.usage, `${CONFIG_FILE} has no name for ${environment}.`);
  const { name, vars = {} } = section;
  // An environment inherits routes, but no variables (wrangler's "Inheritable keys").
  const { route, routes = route === undefined ? [] : [route] } =
    section.route === undefined && section.routes === undefined ? top : section;
  const patterns = routes.map((each) => (typeof each === 'string' ? each : each.pattern));
  const textOf = (variable: string, fallback: string): string => String(vars[variable] ?? '') || fallback;
  // As the Worker itself reads them.
  const parsed = <T>(variable: string, fallback: string, parseText: (text: string) => T | null): T => {
    const value = parseText(textOf(variable, fallback));
    if (value !== null) return value;
    throw new CliError(EXIT.usage, `${variable} of ${environment} is malformed in ${CONFIG_FILE}.`);
  };
  const basePath = parsed('BASE_PATH', '/', parseBasePath);
  const publicUrl = parsed('PUBLIC_URL', '', (given) => (given === '' ? '' : parsePublicUrl(given)));
  return {
    environment,
    name,
    routes: patterns,
    url: urlOf(publicUrl, patterns, basePath),
    basePath,
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
