import { randomBytes } from 'node:crypto';
import type { Browser, TextResponse } from '../../browser.ts';
import { findSetCookie, requireFlags } from './cookie-flags.ts';
import { demand, skip } from './doctor.ts';
import {
  demandOwnOrigin,
  isLocalHttp,
  isSignedIn,
  newBrowser,
  openForm,
  redirectOf,
  signIn,
  type Account,
  type Site,
  pagePath,
} from './site.ts';

/** Addresses of other hosts, in spellings that have fooled other sites (OWASP, Unvalidated Redirects and Forwards). */
const HOSTILE_NEXTS = [
  'https://attacker.example/',
  '//attacker.example/',
  '///attacker.example/',
  '/\\attacker.example/',
  '\\\\attacker.example/',
  'https:attacker.example',
  'https:/attacker.example',
  '/..//attacker.example/',
  '/%5Cattacker.example/../..//attacker.example',
  'http://attacker.example@attacker.example/',
  'javascript:alert(1)',
  'data:text/html,x',
  '\t//attacker.example/',
  '/\t/attacker.example/',
  '/home/\r\nLocation: https://attacker.example/',
];
/** A session that still works this long after the sign-out was not ended. */
const LAG_MAX_MS = 10_000;
/** Longer than this isn't "immediately". */
const LAG_GOOD_MS = 1000;

/** Signs in with a browser, looks around and signs out. Returns false if the sign-in failed. */
export async function checkSession(site: Site, account: Account): Promise<boolean> {
  const { doctor } = site;
  const browser = newBrowser(site);
  let csrfBefore: string | undefined;
  let response: TextResponse | null = null;
  const signedIn = await doctor.check('sign-in', async () => {
    const planted = randomBytes(32).toString('base64url');
    await browser.setCookie(`${site.sessionCookie}=${planted}; Path=/`);
    await openForm(site, browser);
    csrfBefore = await browser.cookie(site.csrfCookie);
    response = await signIn(site, browser, account);
    if (response.status === 429) skip('too many failed sign-ins (429); try again later');
    demand(response.status !== 401, 'incorrect username or password');
    if (response.status === 403) await demandOwnOrigin(site);
    demand(redirectOf(response) !== null, `it returns ${response.status}`);
    const token = await browser.cookie(site.sessionCookie);
    demand(token !== planted, 'it accepts a planted session id (session fixation)');
    demand(token !== undefined, `the browser has no ${site.sessionCookie} after it`);
    return `${response.status}`;
  });
  if (!signedIn || response === null) return false;
  const start: TextResponse = response;

  await doctor.check('sessionid flags', async () => {
    const cookie = findSetCookie(start, site.sessionCookie);
    demand(cookie !== undefined, `the sign-in sets no ${site.sessionCookie}`);
    requireFlags(cookie, { isHttpOnly: true, isSecure: !isLocalHttp(site.origin), isSessionCookie: true });
    // 128 bits in base64url (OWASP, Session Management).
    demand(cookie.value.length >= 22, `${site.sessionCookie} is short enough to guess`);
    return 'HttpOnly, SameSite=Lax, Secure as far as this address allows, until the browser is closed';
  });
  await doctor.check('CSRF token changes at sign-in', async () => {
    const after = await browser.cookie(site.csrfCookie);
    demand(after !== undefined && after !== csrfBefore, 'it is the same as before');
    return 'it is a new one';
  });
  await doctor.check('home page', async () => {
    const page = await browser.get(pagePath(site, '/home/'));
    demand(page.status === 200, `the home page returns ${page.status} to a signed-in user`);
    demand(
      page.headers.get('Cache-Control')?.includes('no-store') === true,
      'it may be cached: Back would show it',
    );
    return '200, no-store';
  });
  await doctor.check('hostile next', () => checkNext(site, browser, account));
  await doctor.check('sign-out needs a POST with a token', async () => {
    await browser.get(pagePath(site, '/logout/'));
    demand(await isSignedIn(site, browser), 'GET /logout/ ends the session');
    const bare = await browser.post(pagePath(site, '/logout/'));
    demand(bare.status === 403, `without a token it returns ${bare.status}, not 403`);
    demand(await isSignedIn(site, browser), 'without a token it ends the session');
    return 'GET changes nothing; without a token 403';
  });
  await checkSignOut(site, browser);
  return true;
}

async function checkNext(site: Site, browser: Browser, account: Account): Promise<string> {
  const requireOwnHost = (next: string, response: TextResponse): void => {
    const target = redirectOf(response);
    // A refusal is fine, too.
    if (target === null) return;
    const where = target.origin === site.origin ? target.pathname : target.origin;
    demand(/^\/(?!\/)/.test(where), `next=${JSON.stringify(next)} redirects to ${where}`);
  };
  for (const next of HOSTILE_NEXTS) requireOwnHost(next, await openForm(site, browser, next));
  // The form has a check of its own, beside that of the page that redirects signed-in users.
  for (const next of HOSTILE_NEXTS.slice(0, 3)) {
    const other = newBrowser(site);
    requireOwnHost(next, await signIn(site, other, account, next));
    const page = await other.get(pagePath(site, '/logout/'));
    if (page.status === 200) await other.submit(page);
  }
  return `none of ${HOSTILE_NEXTS.length} redirects away from ${site.origin}`;
}

async function checkSignOut(site: Site, browser: Browser): Promise<void> {
  const { doctor } = site;
  const old = newBrowser(site);
  await doctor.check('sign-out', async () => {
    for (const cookie of await browser.jar.getCookies(site.origin)) {
      await old.setCookie(cookie.toString());
    }
    const response = await browser.submit(await browser.get(pagePath(site, '/logout/')));
    demand(redirectOf(response) !== null, `it returns ${response.status}`);
    for (const name of [site.sessionCookie, site.csrfCookie]) {
      demand((await browser.cookie(name)) === undefined, `the browser still has ${name}`);
      const expired = findSetCookie(response, name);
      demand(expired?.path === '/', `${name} is expired for another Path than it was set for`);
      demand(
        isLocalHttp(site.origin) || expired.secure,
        `${name} is expired without the Secure it was set with`,
      );
    }
    demand(!(await isSignedIn(site, browser)), 'the browser is still signed in');
    return 'both cookies are gone';
  });
  await doctor.check('old cookie after the sign-out', async () => {
    const startedAtMs = performance.now();
    while (await isSignedIn(site, old)) {
      demand(performance.now() - startedAtMs < LAG_MAX_MS, `it still works after ${LAG_MAX_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const lagMs = Math.round(performance.now() - startedAtMs);
    demand(lagMs <= LAG_GOOD_MS, `it worked for another ${lagMs} ms`);
    return `refused after ${lagMs} ms`;
  });
}
