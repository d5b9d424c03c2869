import type { Browser, HeaderFields, TextResponse } from '../../browser.ts';
import { demand, skip } from './doctor.ts';
import {
  CLOCK_SKEW_MAX_SECONDS,
  isSignedIn,
  newBrowser,
  signIn,
  type Account,
  type Site,
  pagePath,
} from './site.ts';

const API = '/api/v1';
/** From a documentation network (RFC 5737), so no client has it. */
const FORGED_ADDRESS = '192.0.2.123';
/** Headers that proxies set and clients can forge; the service must ignore them. */
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

/** Checks the API's errors without signing in. */
export async function checkApiErrors(site: Site): Promise<void> {
  const { doctor } = site;
  await doctor.check('API errors', async () => {
    const browser = newBrowser(site);
    const anonymous = await browser.get(`${API}/sessions/current`);
    requireProblem(anonymous, 401);
    demand(
      anonymous.headers.get('WWW-Authenticate')?.startsWith('Bearer') === true,
      'a 401 has no WWW-Authenticate: Bearer',
    );
    requireProblem(await browser.get(`${API}/no-such-thing`), 404);
    requireProblem(await browser.post(`${API}/sessions`, { username: 'x', password: 'y' }), 415);
    return '401, 404 and 415 are problem+json';
  });
}

/** Signs in as an app does, uses the token and signs out. */
export async function checkApi(site: Site, account: Account): Promise<void> {
  const { doctor } = site;
  const browser = newBrowser(site);
  let signedIn: SignedIn | null = null;
  await doctor.check('API sign-in', async () => {
    signedIn = await signInApi(browser, account, {});
    const { token } = signedIn;
    const current = await browser.get(`${API}/sessions/current`, bearer(token));
    demand(current.status === 200, `with its token, /sessions/current returns ${current.status}`);
    const asCookie = newBrowser(site);
    await asCookie.setCookie(`${site.sessionCookie}=${token}; Path=/`);
    demand(!(await isSignedIn(site, asCookie)), 'the token is accepted as a cookie, too');
    return '201, no cookie, and the token is accepted';
  });
  await doctor.check('clock of the sessions', async () => {
    if (signedIn === null) skip('the sign-in failed');
    const skewSeconds = Math.round((Date.parse(signedIn.session.created_at) - Date.now()) / 1000);
    demand(Math.abs(skewSeconds) <= CLOCK_SKEW_MAX_SECONDS, `the clocks differ by ${skewSeconds} s`);
    return `${Math.abs(skewSeconds)} s apart`;
  });
  await doctor.check('client address', async () => {
    if (signedIn === null) skip('the sign-in failed');
    const forged = await signInApi(browser, account, FORGED_HEADERS);
    await browser.request(`${API}/sessions/current`, { method: 'DELETE', headers: bearer(forged.token) });
    const { ip_address: shown } = forged.session;
    demand(shown !== FORGED_ADDRESS, 'it trusts X-Forwarded-For or a similar header');
    const { ip_address: real } = signedIn.session;
    return `${shown ?? 'none'} with forged headers, ${real ?? 'none'} without`;
  });
  await doctor.check('API sign-out', async () => {
    if (signedIn === null) skip('the sign-in failed');
    const { token } = signedIn;
    const response = await browser.request(`${API}/sessions/current`, {
      method: 'DELETE',
      headers: bearer(token),
    });
    demand(response.status === 200, `it returns ${response.status}`);
    const { revoked } = JSON.parse(response.body) as { revoked?: unknown };
    demand(revoked === 1, `it reports ${String(revoked)} ended sessions instead of 1`);
    requireProblem(await browser.get(`${API}/sessions/current`, bearer(token)), 401);
    return 'the token is refused at once';
  });
  await doctor.check('cookie as a bearer token', async () => {
    const other = newBrowser(site);
    await signIn(site, other, account);
    const token = await other.cookie(site.sessionCookie);
    if (token === undefined) skip('the sign-in failed');
    const response = await browser.get(`${API}/sessions/current`, bearer(token));
    await other.submit(await other.get(pagePath(site, '/logout/')));
    requireProblem(response, 401);
    return '401';
  });
}

async function signInApi(
  browser: Browser,
  { username, password }: Account,
  headers: HeaderFields,
): Promise<SignedIn> {
  const response = await browser.request(`${API}/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ username, password, device_name: 'hoskie doctor' }),
  });
  if (response.status === 429) skip('too many failed sign-ins (429); try again later');
  demand(response.status === 201, `it returns ${response.status}`);
  demand(response.setCookies.length === 0, 'it sets a cookie');
  const body = JSON.parse(response.body) as Partial<SignedIn>;
  demand(
    typeof body.token === 'string' && typeof body.session === 'object',
    'the response has no token and session',
  );
  return { token: body.token, session: body.session };
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** A problem (RFC 9457) with the members that this service documents. */
function requireProblem(response: TextResponse, status: number): void {
  demand(response.status === status, `${response.status} instead of ${status}`);
  const type = response.headers.get('Content-Type') ?? '';
  demand(
    type.startsWith('application/problem+json'),
    `a ${status} is ${type || 'without a type'}, not problem+json`,
  );
  const problem = JSON.parse(response.body) as Record<string, unknown>;
  for (const member of ['type', 'title', 'status', 'detail', 'code', 'request_id']) {
    demand(member in problem, `a ${status} has no ${member}`);
  }
}
