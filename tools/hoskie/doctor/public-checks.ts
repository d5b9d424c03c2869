import type { Answer } from './browser.ts';
import { findSetCookie, requireFlags } from './cookie-attributes.ts';
import { demand, skip } from './doctor.ts';
import { CLOCK_SKEW_MAX_SECONDS, isLocalHttp, isRedirect, newBrowser, openForm, type Site } from './site.ts';

/** Half a year: less is a trial (OWASP, HTTP Strict Transport Security). */
const HSTS_MIN_SECONDS = 15_552_000;

/** What anybody can see. Answers false where nobody answers at all. */
export async function checkPublic(site: Site): Promise<boolean> {
  const { doctor } = site;
  const answers = await doctor.check('healthz', async () => {
    const answer = await newBrowser(site).get('/healthz');
    demand(answer.status === 200, `/healthz answers ${answer.status}`);
    return '200';
  });
  if (!answers) return false;
  await doctor.check('readyz', () => checkReadiness(site));
  await doctor.check('https', () => checkHttps(site));
  await doctor.check('protected page', async () => {
    const answer = await newBrowser(site).get('/home/');
    const { location } = answer;
    demand(isRedirect(answer) && location !== null, `/home/ answers ${answer.status} to a stranger`);
    demand(location.origin === site.origin, `/home/ sends a stranger to ${location.origin}`);
    demand(location.searchParams.get('next') === '/home/', 'the way back (next=/home/) is missing');
    site.loginPath = location.pathname;
    return `leads to ${site.loginPath}`;
  });
  const page = await openForm(site, newBrowser(site)).catch(() => null);
  await doctor.check('security headers', async () => checkHeaders(site, need(page)));
  await doctor.check('content security policy', async () => checkPolicy(need(page)));
  await doctor.check('sign-in form', async () => checkForm(need(page)));
  await doctor.check('csrftoken flags', async () => {
    const line = findSetCookie(need(page).setCookies, site.csrfCookie);
    demand(line !== undefined, `the sign-in page sets no ${site.csrfCookie}`);
    requireFlags(line, { isHttpOnly: false, isSecure: !isLocalHttp(site.origin), isSessionCookie: false });
    demand(!/;\s*domain=/i.test(line), `${site.csrfCookie} has a Domain: other hosts could set it`);
    return 'Secure, SameSite=Lax and host-only, as far as this address allows';
  });
  await doctor.check('clock', async () => {
    const date = need(page).headers.get('Date');
    if (date === null) skip('the answers have no Date');
    const skewSeconds = Math.round((Date.parse(date) - Date.now()) / 1000);
    demand(Math.abs(skewSeconds) <= CLOCK_SKEW_MAX_SECONDS, `the clocks differ by ${skewSeconds} s`);
    return `${Math.abs(skewSeconds)} s apart`;
  });
  return true;
}

function need(page: Answer | null): Answer {
  if (page === null) skip('the sign-in page does not answer');
  return page;
}

async function checkReadiness(site: Site): Promise<string> {
  const answer = await newBrowser(site).get('/readyz', { Accept: 'application/json' });
  const { redis, database, outbox } = JSON.parse(answer.body) as {
    redis?: unknown;
    database?: unknown;
    outbox?: { pending?: number; set_aside?: number } | null;
  };
  demand(redis === 'ok', 'Redis does not answer');
  demand(database === 'ok', 'MySQL does not answer');
  demand(answer.status === 200, `/readyz answers ${answer.status}`);
  return `both stores answer; ${outbox?.pending ?? '?'} events pending, ${outbox?.set_aside ?? '?'} set aside`;
}

/** Where plain http is asked for, the examination goes on over https. */
async function checkHttps(site: Site): Promise<string> {
  if (isLocalHttp(site.origin)) skip('plain http is right on this machine');
  const asked = new URL(site.origin);
  const isHttps = asked.protocol === 'https:';
  if (isHttps && asked.port !== '') skip('plain http would be on another port');
  const plain = new URL('/', asked);
  plain.protocol = 'http:';
  let answer: Answer;
  try {
    answer = await newBrowser({ ...site, origin: plain.origin }).get('/');
  } catch (error) {
    if (!isHttps) throw error;
    return 'nothing answers plain http';
  }
  const { location } = answer;
  demand(isRedirect(answer) && location?.protocol === 'https:', `plain http answers ${answer.status}`);
  demand(location.hostname === asked.hostname, `plain http leads to ${location.hostname}`);
  site.origin = location.origin;
  return `plain http leads to ${location.origin}`;
}

function checkHeaders(site: Site, { status, headers }: Answer): string {
  demand(status === 200, `the sign-in page answers ${status}`);
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

function checkPolicy({ headers }: Answer): string {
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
    demand(directives.has(name), `it has no ${name}, which default-src does not cover`);
  }
  const scripts = directives.get('script-src') ?? directives.get('default-src') ?? [];
  demand(!scripts.includes('*'), 'it allows scripts from anywhere');
  return `scripts: ${scripts.join(' ')}`;
}

function checkForm({ form }: Answer): string {
  demand(form !== null, 'there is none');
  demand(form.method === 'post', `it is sent with ${form.method}`);
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
  demand((form.hidden['csrfmiddlewaretoken'] ?? '') !== '', 'it has no csrfmiddlewaretoken');
  return 'labelled, with a CSRF token';
}
