import { randomBytes } from 'node:crypto';
import { Browser, type Answer } from './browser.ts';
import { attributesOf, findSetCookie, requireFlags, valueOf } from './cookie-attributes.ts';
import { demand, skip } from './doctor.ts';
import {
  isLocalHttp,
  isRedirect,
  isSignedIn,
  newBrowser,
  openForm,
  signIn,
  type Credentials,
  type Site,
} from './site.ts';

/** Addresses of other hosts, in the spellings that have fooled others (OWASP, Unvalidated Redirects and Forwards). */
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
/** A session that lives so long after the sign-out was not ended. */
const LAG_MAX_MS = 10_000;
/** Later than this is not "at once". */
const LAG_GOOD_MS = 1000;

/** Signs in with a browser, looks around and signs out. Answers false where nobody could be signed in. */
export async function checkSession(site: Site, credentials: Credentials): Promise<boolean> {
  const { doctor } = site;
  const browser = newBrowser(site);
  let csrfBefore: string | undefined;
  let answer: Answer | null = null;
  const signedIn = await doctor.check('sign-in', async () => {
    const planted = randomBytes(32).toString('base64url');
    await browser.jar.setCookie(`${site.sessionCookie}=${planted}; Path=/`, site.origin);
    csrfBefore = (await openForm(site, browser), await browser.cookie(site.csrfCookie))?.value;
    answer = await signIn(site, browser, credentials);
    if (answer.status === 429) skip('too many failures just now (429); try again later');
    demand(answer.status !== 401, 'the name or the password is not right');
    demand(isRedirect(answer), `it answers ${answer.status}`);
    const token = (await browser.cookie(site.sessionCookie))?.value;
    demand(token !== planted, 'it takes over a session id that was planted (session fixation)');
    demand(token !== undefined, `the browser has no ${site.sessionCookie} after it`);
    return `${answer.status}`;
  });
  if (!signedIn || answer === null) return false;
  const start: Answer = answer;

  await doctor.check('sessionid flags', async () => {
    const line = findSetCookie(start.setCookies, site.sessionCookie) ?? '';
    requireFlags(line, { isHttpOnly: true, isSecure: !isLocalHttp(site.origin), isSessionCookie: true });
    // 128 bits in base64url (OWASP, Session Management).
    demand(valueOf(line).length >= 22, `${site.sessionCookie} is too short to be unguessable`);
    return 'HttpOnly, SameSite=Lax, Secure as far as this address allows, until the browser is closed';
  });
  await doctor.check('CSRF token changes at sign-in', async () => {
    const after = (await browser.cookie(site.csrfCookie))?.value;
    demand(after !== undefined && after !== csrfBefore, 'it is the same as before');
    return 'another one than before';
  });
  await doctor.check('home page', async () => {
    const page = await browser.get('/home/');
    demand(page.status === 200, `/home/ answers ${page.status} to a signed-in user`);
    demand(
      page.headers.get('Cache-Control')?.includes('no-store') === true,
      'it may be cached: Back would show it',
    );
    return '200, no-store';
  });
  await doctor.check('hostile next', () => checkNext(site, browser, credentials));
  await doctor.check('sign-out needs a POST with a token', async () => {
    await browser.get('/logout/');
    demand(await isSignedIn(browser), 'GET /logout/ ends the session');
    const bare = await browser.post('/logout/', {});
    demand(bare.status === 403, `without a token it answers ${bare.status}, not 403`);
    demand(await isSignedIn(browser), 'without a token it ends the session');
    return 'GET changes nothing; without a token 403';
  });
  await checkSignOut(site, browser);
  return true;
}

async function checkNext(site: Site, browser: Browser, credentials: Credentials): Promise<string> {
  const judge = (next: string, answer: Answer): void => {
    const { location } = answer;
    // A refusal is as good as another place on this host.
    if (!isRedirect(answer) || location === null) return;
    demand(location.origin === site.origin, `next=${JSON.stringify(next)} leads to ${location.origin}`);
    demand(!location.pathname.startsWith('//'), `next=${JSON.stringify(next)} leads to ${location.pathname}`);
  };
  for (const next of HOSTILE_NEXTS) judge(next, await openForm(site, browser, next));
  // The form itself may judge otherwise than the page that is left at once.
  for (const next of HOSTILE_NEXTS.slice(0, 3)) {
    const other = newBrowser(site);
    judge(next, await signIn(site, other, credentials, next));
    const page = await other.get('/logout/');
    if (page.status === 200) await other.submit(page, {});
  }
  return `none of ${HOSTILE_NEXTS.length} leaves ${site.origin}`;
}

async function checkSignOut(site: Site, browser: Browser): Promise<void> {
  const { doctor } = site;
  const old = new Browser(site.origin);
  await doctor.check('sign-out', async () => {
    for (const cookie of await browser.jar.getCookies(site.origin)) {
      await old.jar.setCookie(cookie.toString(), site.origin);
    }
    const answer = await browser.submit(await browser.get('/logout/'), {});
    demand(isRedirect(answer), `it answers ${answer.status}`);
    for (const name of [site.sessionCookie, site.csrfCookie]) {
      demand((await browser.cookie(name)) === undefined, `the browser still has ${name}`);
      const attributes = attributesOf(findSetCookie(answer.setCookies, name) ?? '');
      demand(attributes.get('path') === '/', `${name} is expired for another Path than it was set for`);
      demand(
        isLocalHttp(site.origin) || attributes.has('secure'),
        `${name} is expired without the Secure it was set with`,
      );
    }
    demand(!(await isSignedIn(browser)), 'the browser is still signed in');
    return 'both cookies are gone';
  });
  await doctor.check('old cookie after the sign-out', async () => {
    const startedAtMs = performance.now();
    while (await isSignedIn(old)) {
      demand(performance.now() - startedAtMs < LAG_MAX_MS, `it is still good after ${LAG_MAX_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const lagMs = Math.round(performance.now() - startedAtMs);
    demand(lagMs <= LAG_GOOD_MS, `it was good for another ${lagMs} ms`);
    return `refused after ${lagMs} ms`;
  });
}
