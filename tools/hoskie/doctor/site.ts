import { Browser, type TextResponse } from '../../browser.ts';
import { VERSION_HEADER } from '../../../src/http/worker-version.ts';
import { demand, type Doctor } from './doctor.ts';

/** Cloudflare says "a couple of seconds" (Workers, "Version overrides"). */
export const KNOWN_WITHIN_MS = 30_000;

/** One version of a Worker, which the deployment under way has. */
export interface WorkerVersion {
  /** The Worker's name. */
  readonly worker: string;
  readonly id: string;
  /** How long the deployment may take to be known where we ask, in ms. */
  readonly knownWithinMs: number;
}

/** The service under examination. */
export interface Site {
  readonly doctor: Doctor;
  /** Scheme, host and port; https once the service redirected there. */
  origin: string;
  /** `BASE_PATH`. */
  readonly basePath: string;
  readonly sessionCookie: string;
  readonly csrfCookie: string;
  /** The version to examine; null: whichever responds. */
  readonly version: WorkerVersion | null;
  /** `LOGIN_URL`, found by following a protected page. */
  loginPath: string;
}

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** A service that takes longer to respond is unhealthy. */
const TIMEOUT_MS = 15_000;
/** Clocks that follow NTP are much closer; sessions and rows carry the service's time. */
export const CLOCK_SKEW_MAX_SECONDS = 5;

/** An origin that no service trusts. */
export const FOREIGN_ORIGIN = 'https://attacker.example';

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** Plain http, and cookies without Secure, are fine there. */
export const isLocalHttp = (origin: string): boolean =>
  origin.startsWith('http:') && LOCAL_HOSTS.includes(new URL(origin).hostname);

/** With a version, each response must be from it. */
export const newBrowser = ({ origin, version }: Pick<Site, 'origin' | 'version'>): Browser =>
  new Browser(
    origin,
    async (url, request) => {
      const response = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const named = response.headers.get(VERSION_HEADER);
      demand(version === null || named !== null, 'the response names no version: another one responded');
      demand(version === null || named === version.id, `version ${named} responded instead`);
      return response;
    },
    {
      'User-Agent': 'hoskie doctor',
      // A dictionary of strings (RFC 8941).
      ...(version && { 'Cloudflare-Workers-Version-Overrides': `${version.worker}="${version.id}"` }),
    },
  );

/** The path of a page below `BASE_PATH`. */
export const pagePath = ({ basePath }: Pick<Site, 'basePath'>, page: '/home/' | '/logout/'): string =>
  basePath + page.slice(1);

/** Opens the sign-in page. */
export const openForm = (site: Site, browser: Browser, next = ''): Promise<TextResponse> =>
  browser.get(next === '' ? site.loginPath : `${site.loginPath}?next=${encodeURIComponent(next)}`);

/** Opens the sign-in page and submits it. */
export async function signIn(
  site: Site,
  browser: Browser,
  account: Account,
  next = '',
): Promise<TextResponse> {
  return browser.submit(await openForm(site, browser, next), { ...account });
}

/** For a sign-in form that is refused with its right token: fails if that is because of the origin, which is the site's own. */
export async function demandOwnOrigin(site: Site): Promise<void> {
  const browser = newBrowser(site);
  const page = await openForm(site, browser);
  const { body } = await browser.submit(
    page,
    { username: 'doctor', password: '' },
    { Accept: 'application/json' },
  );
  demand(
    !body.includes('"foreign_origin"'),
    `the service takes ${site.origin}, its own origin, for a foreign one: a proxy in front rewrites Host; let it pass Host on unchanged`,
  );
}

/** Where a response redirects to, resolved as browsers do. Null: it doesn't redirect. */
export function redirectOf({ status, location, url }: TextResponse): URL | null {
  return [301, 302, 303, 307, 308].includes(status) && location !== null ? new URL(location, url) : null;
}

/** Whether this browser gets a protected page. */
export async function isSignedIn(site: Site, browser: Browser): Promise<boolean> {
  return (await browser.get(pagePath(site, '/home/'))).status === 200;
}
