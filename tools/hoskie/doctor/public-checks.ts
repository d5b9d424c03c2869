import type { TextResponse } from '../../browser.ts';
import { findSetCookie, requireFlags } from './cookie-flags.ts';
import { demand, skip } from './doctor.ts';
import {
  CLOCK_SKEW_MAX_SECONDS,
  FOREIGN_ORIGIN,
  isLocalHttp,
  newBrowser,
  openForm,
  redirectOf,
  type Site,
  pagePath,
} from './site.ts';

/** Half a year; less is for trying it out (OWASP, HTTP Strict Transport Security). */
const HSTS_MIN_SECONDS = 15_552_000;

const VERSION_POLL_MS = 500;

/** Checks what anyone can see. Returns false if the service doesn't respond at all. */
export async function checkPublic(site: Site): Promise<boolean> {
  const { doctor } = site;
  if (site.version !== null && !(await doctor.check('version', () => waitForVersion(site)))) return false;
  const isUp = await doctor.check('healthz', async () => {
    const { status, body } = await newBrowser(site).get('/healthz');
    demand(status === 200, `/healthz returns ${status}`);
    demand(body === 'ok\n', '/healthz is not that of this service: something else answers at this address');
    return '200';
  });
  if (!isUp) return false;
  await doctor.check('readyz', () => checkReadiness(site));
  await doctor.check('https', () => checkHttps(site));
  await doctor.check('protected page', async () => {
    const home = pagePath(site, '/home/');
    const response = await newBrowser(site).get(home);
    demand(response.status !== 404, `there is no page at ${home}; is ${site.basePath} its BASE_PATH?`);
    const target = redirectOf(response);
    demand(target !== null, `${home} returns ${response.status} to an anonymous visitor`);
    demand(
      target.origin === site.origin,
      `${home} redirects an anonymous visitor to ${target.origin}; does a proxy in front rewrite Host?`,
    );
    demand(target.searchParams.get('next') === home, `next=${home} is missing`);
    site.loginPath = target.pathname;
    return `redirects to ${site.loginPath}`;
  });
  const page = await openForm(site, newBrowser(site)).catch(() => null);
  await doctor.check('security headers', async () => checkHeaders(site, need(page)));
  await doctor.check('cross-origin access', () => checkCrossOrigin(site));
  await doctor.check('content security policy', async () => checkPolicy(need(page)));
  await doctor.check('sign-in form', async () => checkForm(need(page)));
  await doctor.check('csrftoken flags', async () => {
    const cookie = findSetCookie(need(page), site.csrfCookie);
    demand(cookie !== undefined, `the sign-in page sets no ${site.csrfCookie}`);
    requireFlags(cookie, { isHttpOnly: false, isSecure: !isLocalHttp(site.origin), isSessionCookie: false });
    demand(cookie.domain === null, `${site.csrfCookie} has a Domain, so other hosts could set it`);
    return 'Secure, SameSite=Lax and host-only, as far as this address allows';
  });
  await doctor.check('clock', async () => {
    const date = need(page).headers.get('Date');
    if (date === null) skip('responses have no Date');
    const skewSeconds = Math.round((Date.parse(date) - Date.now()) / 1000);
    demand(Math.abs(skewSeconds) <= CLOCK_SKEW_MAX_SECONDS, `the clocks differ by ${skewSeconds} s`);
    return `${Math.abs(skewSeconds)} s apart`;
  });
  return true;
}

/** A deployment takes a few seconds to be known everywhere. */
async function waitForVersion(site: Site): Promise<string> {
  const startedAtMs = performance.now();
  const { id = '', knownWithinMs = 0 } = site.version ?? {};
  for (;;) {
    try {
      await newBrowser(site).get('/healthz');
      return id;
    } catch (error) {
      if (performance.now() - startedAtMs >= knownWithinMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, VERSION_POLL_MS));
    }
  }
}

function need(page: TextResponse | null): TextResponse {
  if (page === null) skip('the sign-in page does not respond');
  return page;
}

async function checkReadiness(site: Site): Promise<string> {
  const { status, body } = await newBrowser(site).get('/readyz', { Accept: 'application/json' });
  const {
    status: word,
    redis,
    database,
    outbox,
  } = JSON.parse(body) as {
    status?: unknown;
    redis?: unknown;
    database?: unknown;
    outbox?: { pending?: number; set_aside?: number } | null;
  };
  // With a READYZ_TOKEN, which the doctor doesn't have, there are no details.
  if (redis === undefined && word !== undefined) {
    demand(status === 200, 'a store is unavailable; ask with READYZ_TOKEN which');
    return 'both stores are available; READYZ_TOKEN hides the outbox';
  }
  demand(redis === 'ok', 'Redis is unavailable');
  demand(database === 'ok', 'MySQL is unavailable');
  demand(status === 200, `/readyz returns ${status}`);
  return `both stores are available; ${outbox?.pending ?? '?'} events pending, ${outbox?.set_aside ?? '?'} set aside`;
}

/** If the operator gave an http address, the other checks use the https address that it redirects to. */
async function checkHttps(site: Site): Promise<string> {
  if (isLocalHttp(site.origin)) skip('plain http is fine on this machine');
  const given = new URL(site.origin);
  const isHttps = given.protocol === 'https:';
  if (isHttps && given.port !== '') skip('plain http would be on another port');
  const plain = new URL('/', given);
  plain.protocol = 'http:';
  let response: TextResponse;
  try {
    response = await newBrowser({ origin: plain.origin, version: null }).get('/');
  } catch (error) {
    if (!isHttps) throw error;
    return 'nothing listens on plain http';
  }
  const target = redirectOf(response);
  demand(target?.protocol === 'https:', `plain http returns ${response.status}, not a redirect to https`);
  demand(
    target.hostname === given.hostname,
    `plain http redirects to ${target.hostname}; does a proxy in front rewrite Host?`,
  );
  site.origin = target.origin;
  return `plain http redirects to ${target.origin}`;
}

function checkHeaders(site: Site, { status, headers }: TextResponse): string {
  demand(status === 200, `the sign-in page returns ${status}`);
  demand(headers.get('Content-Type')?.startsWith('text/html') === true, 'the sign-in page is not HTML');
  demand(headers.get('X-Content-Type-Options') === 'nosniff', 'X-Content-Type-Options: nosniff is missing');
  const policy = headers.get('Content-Security-Policy') ?? '';
  const isFramed = headers.get('X-Frame-Options') === null && !/frame-ancestors/.test(policy);
  demand(!isFramed, 'X-Frame-Options and frame-ancestors are missing: the page can be framed');
  const referrer = headers.get('Referrer-Policy') ?? '';
  demand(referrer !== '', 'Referrer-Policy is missing');
  demand(referrer !== 'unsafe-url', 'Referrer-Policy is unsafe-url');
  demand(
    referrer !== 'no-referrer',
    'Referrer-Policy no-referrer makes browsers send Origin: null with forms',
  );
  demand(headers.get('Cache-Control')?.includes('no-store') === true, 'Cache-Control: no-store is missing');
  if (site.origin.startsWith('https:')) {
    const maxAge = Number(/max-age=(\d+)/.exec(headers.get('Strict-Transport-Security') ?? '')?.[1] ?? 0);
    demand(maxAge >= HSTS_MIN_SECONDS, 'Strict-Transport-Security is missing or short');
  }
  return 'nosniff, no framing, Referrer-Policy, no-store';
}

/** A proxy in front may add what the service doesn't send. */
async function checkCrossOrigin(site: Site): Promise<string> {
  for (const path of [site.loginPath, '/api/v1/sessions/current', '/healthz']) {
    const { headers } = await newBrowser(site).get(path, { Origin: FOREIGN_ORIGIN });
    const allowed = headers.get('Access-Control-Allow-Origin') ?? '';
    demand(![FOREIGN_ORIGIN, '*'].includes(allowed), `${path} has Access-Control-Allow-Origin: ${allowed}`);
  }
  return 'other origins may not read responses';
}

function checkPolicy({ headers }: TextResponse): string {
  const policy = headers.get('Content-Security-Policy') ?? '';
  demand(policy !== '', 'Content-Security-Policy is missing');
  for (const word of ["'unsafe-inline'", "'unsafe-eval'"])
    demand(!policy.includes(word), `it allows ${word}`);
  const directives = new Map(
    policy.split(';').map((text) => {
      const [name = '', ...values] = text.trim().split(/\s+/);
      return [name, values] as const;
    }),
  );
  demand(directives.has('default-src') || directives.has('script-src'), 'it has no default-src');
  for (const name of ['form-action', 'base-uri', 'frame-ancestors']) {
    demand(directives.has(name), `it has no ${name}, which default-src doesn't cover`);
  }
  const scripts = directives.get('script-src') ?? directives.get('default-src') ?? [];
  demand(!scripts.includes('*'), 'it allows scripts from anywhere');
  return `scripts: ${scripts.join(' ')}`;
}

function checkForm({ form, csrfToken }: TextResponse): string {
  demand(form !== null, 'the page has no form');
  demand(form.method === 'post', `its method is ${form.method}`);
  for (const [name, type, autocomplete] of [
    ['username', 'text', 'username'],
    ['password', 'password', 'current-password'],
  ] as const) {
    const input = form.inputs.find((each) => each.name === name);
    demand(input !== undefined, `it has no field ${name}`);
    demand(input.type === type || name === 'username', `the field ${name} is of type ${input.type}`);
    demand(input.isLabelled, `the field ${name} has no label`);
    demand(
      input.autocomplete === autocomplete,
      `the field ${name} is not for password managers (autocomplete)`,
    );
  }
  demand(csrfToken !== null && csrfToken !== '', 'it has no csrfmiddlewaretoken');
  return 'labelled, with a CSRF token';
}
