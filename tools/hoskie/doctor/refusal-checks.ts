import { randomBytes } from 'node:crypto';
import type { TextResponse } from '../../browser.ts';
import { findSetCookie } from './cookie-flags.ts';
import { demand, skip } from './doctor.ts';
import {
  demandOwnOrigin,
  FOREIGN_ORIGIN,
  newBrowser,
  openForm,
  signIn,
  type Account,
  type Site,
} from './site.ts';

/** An account that doesn't exist. Trying it leaves rows in `login_activity`. */
const unknownAccount = (): Account => ({
  username: `doctor-${randomBytes(6).toString('hex')}`,
  password: randomBytes(12).toString('hex'),
});

/** Sends what must be refused. With a `username`, compares the message for a wrong password with that for no such user. */
export async function checkRefusals(site: Site, username: string | null): Promise<void> {
  const { doctor } = site;
  const refused = (name: string, send: () => Promise<TextResponse>): Promise<boolean> =>
    doctor.check(name, async () => {
      const response = await send();
      demand(response.status === 403, `it returns ${response.status}, not 403`);
      requireNoSession(site, response);
      return '403';
    });

  await refused('sign-in without CSRF token', async () => {
    const browser = newBrowser(site);
    return browser.submit(await openForm(site, browser), {
      ...unknownAccount(),
      csrfmiddlewaretoken: undefined,
    });
  });
  await refused("sign-in with another's CSRF token", async () => {
    const browser = newBrowser(site);
    const page = await openForm(site, browser);
    const { csrfToken } = await openForm(site, newBrowser(site));
    return browser.submit(page, { ...unknownAccount(), csrfmiddlewaretoken: csrfToken ?? undefined });
  });
  for (const [name, headers] of [
    ['sign-in from a foreign Origin', { Origin: FOREIGN_ORIGIN }],
    ['sign-in from Origin null', { Origin: 'null' }],
    // Without an Origin: the address examined may be another name of the service, which it trusts.
    ['sign-in that says it is cross-site', { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
  ] as const) {
    await refused(name, async () => {
      const browser = newBrowser(site);
      return browser.submit(await openForm(site, browser), { ...unknownAccount() }, headers);
    });
  }

  await doctor.check('wrong password', async () => {
    const unknown = await tryWrong(site, unknownAccount());
    if (username === null) return '401, no session';
    const known = await tryWrong(site, { ...unknownAccount(), username });
    demand(messageOf(known) === messageOf(unknown), 'the message gives away whether the user exists');
    return '401, no session, and the same message as for an unknown name';
  });
}

async function tryWrong(site: Site, account: Account): Promise<TextResponse> {
  const browser = newBrowser(site);
  const response = await signIn(site, browser, account);
  if (response.status === 429) skip('too many failed sign-ins from here (429); try again later');
  if (response.status === 403) await demandOwnOrigin(site);
  demand(response.status === 401, `a wrong password returns ${response.status}, not 401`);
  requireNoSession(site, response);
  demand(!response.body.includes(account.password), 'the page repeats the password');
  return response;
}

function requireNoSession(site: Site, response: TextResponse): void {
  demand(findSetCookie(response, site.sessionCookie) === undefined, `it sets ${site.sessionCookie}`);
}

/** What the page says above its form. */
const messageOf = ({ body }: TextResponse): string =>
  /role="alert"[^>]*>([^<]*)</.exec(body)?.[1]?.trim() ?? '';
