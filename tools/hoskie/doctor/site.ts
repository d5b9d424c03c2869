import { Browser, type Answer } from './browser.ts';
import type { Doctor } from './doctor.ts';

/** What is examined. */
export interface Site {
  readonly doctor: Doctor;
  /** Scheme, host and port; https once the service redirected there. */
  origin: string;
  readonly sessionCookie: string;
  readonly csrfCookie: string;
  /** `LOGIN_URL`, found by following a protected page. */
  loginPath: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Clocks that are kept by NTP are much closer; sessions and rows carry the service's time. */
export const CLOCK_SKEW_MAX_SECONDS = 5;

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** Where plain http, and cookies without Secure, are right. */
export const isLocalHttp = (origin: string): boolean =>
  origin.startsWith('http:') && LOCAL_HOSTS.includes(new URL(origin).hostname);

export const newBrowser = (site: Site): Browser => new Browser(site.origin);

/** Opens the sign-in page. */
export const openForm = (site: Site, browser: Browser, next = ''): Promise<Answer> =>
  browser.get(next === '' ? site.loginPath : `${site.loginPath}?next=${encodeURIComponent(next)}`);

/** Opens the sign-in page and sends it. */
export async function signIn(
  site: Site,
  browser: Browser,
  credentials: Credentials,
  next = '',
): Promise<Answer> {
  const page = await openForm(site, browser, next);
  return browser.submit(page, { ...credentials });
}

export const isRedirect = (answer: Answer): boolean => [301, 302, 303, 307, 308].includes(answer.status);

/** Whether this browser, as it stands, gets a protected page. */
export async function isSignedIn(browser: Browser): Promise<boolean> {
  return (await browser.get('/home/')).status === 200;
}
