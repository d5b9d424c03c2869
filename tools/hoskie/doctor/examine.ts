import { checkApi, checkApiErrors } from './api-checks.ts';
import { Doctor, type CheckResult } from './doctor.ts';
import { checkPublic } from './public-checks.ts';
import { checkRefusals } from './refusal-checks.ts';
import { checkSession } from './session-checks.ts';
import type { Credentials, Site } from './site.ts';

/**
 * Examines a service; `show` gets each result as it comes. With `credentials` it signs that user in some times, and
 * ends each of these sessions. Wrong passwords are tried once or twice, which counts like anybody's.
 */
export async function examine(
  { origin, sessionCookie, csrfCookie }: Pick<Site, 'origin' | 'sessionCookie' | 'csrfCookie'>,
  credentials: Credentials | null,
  show: (result: CheckResult) => void,
): Promise<readonly CheckResult[]> {
  const doctor = new Doctor(show);
  const site: Site = { doctor, origin, sessionCookie, csrfCookie, loginPath: '/sign-in/' };
  if (!(await checkPublic(site))) return doctor.results;
  await checkRefusals(site, credentials?.username ?? null);
  await checkApiErrors(site);
  if (credentials !== null && (await checkSession(site, credentials))) await checkApi(site, credentials);
  return doctor.results;
}
