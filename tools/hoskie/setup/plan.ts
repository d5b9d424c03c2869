import type { Difference } from '../schema/compare-schemas.ts';
import type { WorkerConfig } from '../wrangler/worker-config.ts';
import { routeLines } from './routes.ts';

/** What setup is about to change; nothing else is. */
export interface Plan {
  readonly worker: WorkerConfig;
  readonly additions: readonly Difference[];
  /** To be written into wrangler.toml; null: nothing is. */
  readonly domain: string | null;
  /** Secrets to send, and whether each is new there. */
  readonly secrets: readonly { readonly name: string; readonly isNew: boolean; readonly isMade: boolean }[];
  readonly keptSecrets: readonly string[];
  /** False: the Worker is there. Secrets and routes then take effect without a deployment of code. */
  readonly isFirst: boolean;
}

export const changesNothing = ({ additions, domain, secrets, isFirst }: Plan): boolean =>
  additions.length === 0 && domain === null && secrets.length === 0 && !isFirst;

/** The plan in words, a line for each change. */
export function planLines(plan: Plan): string[] {
  const { worker, additions, domain, secrets, keptSecrets, isFirst } = plan;
  const lines = [
    ...additions.map(({ name }) => `MySQL: add ${name}`),
    ...(domain === null ? [] : [`wrangler.toml: ${routeLines(worker.environment, domain).join(' ')}`]),
    ...secrets.map(({ name, isNew, isMade }) => {
      const verb = isNew ? 'set' : 'REPLACE';
      return `secrets: ${verb} ${name}${isMade ? ', made here' : ''}${isNew ? '' : (LOSSES[name] ?? '')}`;
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
