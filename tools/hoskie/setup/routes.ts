import { readFileSync, writeFileSync } from 'node:fs';
import { CliError, EXIT } from '../exit.ts';
import { CONFIG_FILE, type Environment } from '../wrangler/worker-config.ts';

const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;

/** A host without scheme and path, in lower case. Null: it is none. */
export function parseDomain(text: string): string | null {
  const host = text.trim().toLowerCase();
  return HOST.test(host) ? host : null;
}

/** Whether a route is all of this host: `host` or `host/*`. */
export const leadsTo = (domain: string, routes: readonly string[]): boolean =>
  routes.some((route) => route.toLowerCase().replace(/\/\*$/, '') === domain);

const headingOf = (environment: Environment): string => `[env.${environment}]`;
const routeLine = (domain: string): string => `routes = [{ pattern = "${domain}", custom_domain = true }]`;

/** What wrangler.toml must have. */
export const routeLines = (environment: Environment, domain: string): string[] => [
  headingOf(environment),
  routeLine(domain),
];

export function writeRoute(environment: Environment, domain: string): void {
  writeFileSync(CONFIG_FILE, addRoute(readFileSync(CONFIG_FILE, 'utf8'), environment, domain));
}

/** Puts the route below the environment's name, in the place of the proposal there. All else stays as it is. */
export function addRoute(toml: string, environment: Environment, domain: string): string {
  const heading = `${headingOf(environment)}\n`;
  const start = toml.indexOf(`\n${heading}`) + heading.length + 1;
  if (start === heading.length)
    throw new CliError(EXIT.failed, `${CONFIG_FILE} has no ${headingOf(environment)}.`);
  const next = toml.indexOf('\n[', start);
  const end = next < 0 ? toml.length : next;
  const body = toml.slice(start, end);
  const proposal = /^# routes = .*$/m;
  const written = proposal.test(body)
    ? body.replace(proposal, () => routeLine(domain))
    : body.replace(/^(?:name = .*\n)?/, (name) => `${name}${routeLine(domain)}\n`);
  return toml.slice(0, start) + written + toml.slice(end);
}
