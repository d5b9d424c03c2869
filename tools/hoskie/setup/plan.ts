import { isLocalHost } from '../../../src/lib/local-http.ts';
import type { Difference } from '../schema/compare-schemas.ts';
import type { WorkerConfig } from '../wrangler/worker-config.ts';
import { routeLines } from './routes.ts';

/** What setup is about to change; nothing else is. */
export interface Plan {
  readonly worker: WorkerConfig;
  readonly additions: readonly Difference[];
  /** The URL of the database that gets them. */
  readonly tablesAt: string;
  /** To be written into wrangler.toml; null: nothing is. */
  readonly domain: string | null;
  /** Secrets to send, and whether each is new there. */
  readonly secrets: readonly {
    readonly name: string;
    readonly isNew: boolean;
    readonly isMade: boolean;
    /** The store that it leads to; null: it is no address. */
    readonly place: string | null;
  }[];
  readonly keptSecrets: readonly string[];
  /** False: the Worker is there. Secrets and routes then take effect without a deployment of code. */
  readonly isFirst: boolean;
}

export const changesNothing = ({ additions, domain, secrets, isFirst }: Plan): boolean =>
  additions.length === 0 && domain === null && secrets.length === 0 && !isFirst;

/** The host of a store, and its database: never a user or a password. */
export function placeOf(storeUrl: string): string {
  const url = new URL(storeUrl);
  const path = url.pathname.replace(/\/$/, '');
  return `${url.host}${path}${isLocalHost(url) ? ' (loopback: only this machine can reach it)' : ''}`;
}

/** The plan in words, a line for each change. */
export function planLines(plan: Plan): string[] {
  const { worker, additions, tablesAt, domain, secrets, keptSecrets, isFirst } = plan;
  const lines = [
    ...additions.map(({ name }) => `MySQL: add ${name} at ${placeOf(tablesAt)}`),
    ...(domain === null ? [] : [`wrangler.toml: ${routeLines(worker.environment, domain).join(' ')}`]),
    ...secrets.map(({ name, isNew, isMade, place }) => {
      const verb = isNew ? 'set' : 'REPLACE';
      const store = place === null ? '' : `: ${place}`;
      return `secrets: ${verb} ${name}${store}${isMade ? ', made here' : ''}${isNew ? '' : (LOSSES[name] ?? '')}`;
    }),
    ...(keptSecrets.length === 0 ? [] : [`secrets: keep ${keptSecrets.join(', ')}`]),
    isFirst
      ? `deployment: the first one of ${worker.name}`
      : 'deployment: none; secrets and routes take effect at once, with the code that is deployed',
  ];
  return changesNothing(plan) ? [`Nothing to change for ${worker.environment}.`] : lines;
}

const LOSSES: Readonly<Partial<Record<string, string>>> = {
  SECRET_KEY: ': open forms are refused once, and known devices are forgotten',
  ASSERTION_KEYS: ': assertions signed with the old key are refused',
};
