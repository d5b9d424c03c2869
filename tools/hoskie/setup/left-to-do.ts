import type { CheckResult } from '../doctor/doctor.ts';
import type { Plan } from './plan.ts';

/** What no program can do, or see. */
export function leftToDo({ worker, domain, isFirst }: Plan, checks: readonly CheckResult[]): string[] {
  const { environment, routes } = worker;
  const isUnknown = (name: string): boolean =>
    checks.some((check) => check.name === name && check.status === 'skip');
  const lines = [
    ...(isUnknown('Redis: eviction') ? ['Upstash console: see that Eviction is off.'] : []),
    ...(domain === null ? [] : ['Commit wrangler.toml.']),
  ];
  if (!isFirst) return lines;
  return [
    ...lines,
    ...(routes.length === 0 && domain === null
      ? ['The service is on workers.dev. For a domain of yours: hoskie setup again, with --domain.']
      : []),
    'Check in both consoles that the stores are in the same region, then set it as placement in wrangler.toml.',
    'Add a user (hoskie user add NAME), then sign in as one: hoskie doctor URL --username NAME.',
    'For apps behind the service: set PUBLIC_URL in wrangler.toml.',
    `For deployments from GitHub: the settings at the top of .github/workflows/deploy.yml, for ${environment}.`,
    'Let a monitor ask /readyz, and set the alerts of docs/operators.md.',
  ];
}
