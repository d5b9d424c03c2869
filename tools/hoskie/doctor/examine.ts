import { checkApi, checkApiErrors } from './api-checks.ts';
import { Doctor, type CheckResult } from './doctor.ts';
import { checkPublic } from './public-checks.ts';
import { checkRefusals } from './refusal-checks.ts';
import { checkSession } from './session-checks.ts';
import type { Account, Site } from './site.ts';

/**
 * Examines a service; `show` gets each result as it comes. With an account it signs in several times and ends each of
 * these sessions. It tries one or two wrong passwords, which count like anyone's.
 */
export async function examine(
  given: Pick<Site, 'origin' | 'basePath' | 'sessionCookie' | 'csrfCookie' | 'version'>,
  account: Account | null,
  show: (result: CheckResult) => void,
): Promise<readonly CheckResult[]> {
  const doctor = new Doctor(show);
  const site: Site = { ...given, doctor, loginPath: `${given.basePath}sign-in/` };
  if (!(await checkPublic(site))) return doctor.results;
  await checkRefusals(site, account?.username ?? null);
  await checkApiErrors(site);
  if (account !== null && (await checkSession(site, account))) await checkApi(site, account);
  return doctor.results;
}
