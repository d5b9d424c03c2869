import type { Answer, Browser } from './browser.ts';
import { demand, skip } from './doctor.ts';
import { CLOCK_SKEW_MAX_SECONDS, newBrowser, signIn, type Credentials, type Site } from './site.ts';

const API = '/api/v1';
/** Of a network for documentation (RFC 5737): no client has it. */
const FORGED_ADDRESS = '192.0.2.123';
/** What proxies and their imitators say; none of it may be believed. */
const FORGED_HEADERS = {
  'X-Forwarded-For': FORGED_ADDRESS,
  Forwarded: `for=${FORGED_ADDRESS}`,
  'X-Real-IP': FORGED_ADDRESS,
  'True-Client-IP': FORGED_ADDRESS,
  'X-Client-IP': FORGED_ADDRESS,
};

interface SignedIn {
  readonly token: string;
  readonly session: { readonly ip_address: string | null; readonly created_at: string };
}

/** What an app sees without signing in. */
export async function checkApiErrors(site: Site): Promise<void> {
  const { doctor } = site;
  await doctor.check('API errors', async () => {
    const browser = newBrowser(site);
    const stranger = await browser.get(`${API}/sessions/current`);
    requireProblem(stranger, 401);
    demand(
      stranger.headers.get('WWW-Authenticate')?.startsWith('Bearer') === true,
      'a 401 has no WWW-Authenticate: Bearer',
    );
    requireProblem(await browser.get(`${API}/no-such-thing`), 404);
    requireProblem(await browser.post(`${API}/sessions`, { username: 'x', password: 'y' }), 415);
    return '401, 404 and 415 are problem+json';
  });
}

/** Signs in as an app, looks around and signs out. */
export async function checkApi(site: Site, credentials: Credentials): Promise<void> {
  const { doctor } = site;
  const browser = newBrowser(site);
  let signedIn: SignedIn | null = null;
  await doctor.check('API sign-in', async () => {
    signedIn = await signInApi(browser, credentials, {});
    const { token } = signedIn;
    const current = await browser.get(`${API}/sessions/current`, bearer(token));
    demand(current.status === 200, `its token answers ${current.status} at /sessions/current`);
    const asCookie = newBrowser(site);
    await asCookie.jar.setCookie(`${site.sessionCookie}=${token}; Path=/`, site.origin);
    demand((await asCookie.get('/home/')).status !== 200, 'the token is good as a cookie, too');
    return '201, no cookie, and the token is good';
  });
  await doctor.check('clock of the sessions', async () => {
    if (signedIn === null) skip('nobody is signed in');
    const skewSeconds = Math.round((Date.parse(signedIn.session.created_at) - Date.now()) / 1000);
    demand(Math.abs(skewSeconds) <= CLOCK_SKEW_MAX_SECONDS, `the clocks differ by ${skewSeconds} s`);
    return `${Math.abs(skewSeconds)} s apart`;
  });
  await doctor.check('client address', async () => {
    if (signedIn === null) skip('nobody is signed in');
    const forged = await signInApi(browser, credentials, FORGED_HEADERS);
    await browser.ask(`${API}/sessions/current`, { method: 'DELETE', headers: bearer(forged.token) });
    const { ip_address: shown } = forged.session;
    demand(shown !== FORGED_ADDRESS, 'X-Forwarded-For or one of its kind is believed');
    const { ip_address: real } = signedIn.session;
    return `${shown ?? 'none'} with forged headers, ${real ?? 'none'} without`;
  });
  await doctor.check('API sign-out', async () => {
    if (signedIn === null) skip('nobody is signed in');
    const { token } = signedIn;
    const answer = await browser.ask(`${API}/sessions/current`, { method: 'DELETE', headers: bearer(token) });
    demand(answer.status === 200, `it answers ${answer.status}`);
    const { revoked } = JSON.parse(answer.body) as { revoked?: unknown };
    demand(revoked === 1, `its receipt says that ${String(revoked)} sessions ended`);
    requireProblem(await browser.get(`${API}/sessions/current`, bearer(token)), 401);
    return 'the token is refused at once';
  });
  await doctor.check('cookie as a bearer token', async () => {
    const other = newBrowser(site);
    await signIn(site, other, credentials);
    const token = (await other.cookie(site.sessionCookie))?.value;
    if (token === undefined) skip('nobody is signed in');
    const answer = await browser.get(`${API}/sessions/current`, bearer(token));
    await other.submit(await other.get('/logout/'), {});
    requireProblem(answer, 401);
    return '401';
  });
}

async function signInApi(
  browser: Browser,
  { username, password }: Credentials,
  headers: Readonly<Record<string, string>>,
): Promise<SignedIn> {
  const answer = await browser.ask(`${API}/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ username, password, device_name: 'hoskie doctor' }),
  });
  if (answer.status === 429) skip('too many failures just now (429); try again later');
  demand(answer.status === 201, `it answers ${answer.status}`);
  demand(answer.setCookies.length === 0, 'it sets a cookie');
  const body = JSON.parse(answer.body) as Partial<SignedIn>;
  demand(
    typeof body.token === 'string' && typeof body.session === 'object',
    'the answer has no token and session',
  );
  return { token: body.token, session: body.session };
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** RFC 9457, with the members that this service promises. */
function requireProblem(answer: Answer, status: number): void {
  demand(answer.status === status, `${answer.status} where ${status} is due`);
  const type = answer.headers.get('Content-Type') ?? '';
  demand(
    type.startsWith('application/problem+json'),
    `a ${status} is ${type || 'of no type'}, not problem+json`,
  );
  const problem = JSON.parse(answer.body) as Record<string, unknown>;
  for (const member of ['type', 'title', 'status', 'detail', 'code', 'request_id']) {
    demand(member in problem, `a ${status} has no ${member}`);
  }
}
