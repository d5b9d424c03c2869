import { randomBytes } from 'node:crypto';
import type { Answer } from './browser.ts';
import { findSetCookie } from './cookie-attributes.ts';
import { demand, skip } from './doctor.ts';
import { newBrowser, openForm, type Credentials, type Site } from './site.ts';

const FOREIGN_ORIGIN = 'https://attacker.example';

/** Nobody has this name, and nobody this password. Tries with it leave rows in the record of sign-ins. */
export const nobody = (): Credentials => ({
  username: `doctor-${randomBytes(6).toString('hex')}`,
  password: randomBytes(12).toString('hex'),
});

/** What must be refused. With a `username` the message for a wrong password is compared with that for no such user. */
export async function checkRefusals(site: Site, username: string | null): Promise<void> {
  const { doctor } = site;
  const refused = (name: string, send: () => Promise<Answer>): Promise<boolean> =>
    doctor.check(name, async () => {
      const answer = await send();
      demand(answer.status === 403, `it answers ${answer.status}, not 403`);
      requireNoSession(site, answer);
      return '403';
    });

  await refused('sign-in without CSRF token', async () => {
    const browser = newBrowser(site);
    return browser.submit(await openForm(site, browser), { ...nobody(), csrfmiddlewaretoken: undefined });
  });
  await refused("sign-in with another's CSRF token", async () => {
    const browser = newBrowser(site);
    const page = await openForm(site, browser);
    const { form } = await openForm(site, newBrowser(site));
    const token = form?.hidden['csrfmiddlewaretoken'];
    return browser.submit(page, { ...nobody(), csrfmiddlewaretoken: token });
  });
  for (const [name, headers] of [
    ['sign-in from a foreign Origin', { Origin: FOREIGN_ORIGIN }],
    ['sign-in from Origin null', { Origin: 'null' }],
    ['sign-in that says it is cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
  ] as const) {
    await refused(name, async () => {
      const browser = newBrowser(site);
      return browser.submit(await openForm(site, browser), { ...nobody() }, headers);
    });
  }

  await doctor.check('wrong password', async () => {
    const unknown = await tryWrong(site, nobody());
    if (username === null) return '401, no session';
    const known = await tryWrong(site, { ...nobody(), username });
    demand(messageOf(known) === messageOf(unknown), 'the message tells whether there is such a user');
    return '401, no session, and the same words as for an unknown name';
  });
}

async function tryWrong(site: Site, credentials: Credentials): Promise<Answer> {
  const browser = newBrowser(site);
  const answer = await browser.submit(await openForm(site, browser), { ...credentials });
  if (answer.status === 429) skip('too many failures from here just now (429); try again later');
  demand(answer.status === 401, `a wrong password answers ${answer.status}, not 401`);
  requireNoSession(site, answer);
  demand(!answer.body.includes(credentials.password), 'the page repeats the password');
  return answer;
}

function requireNoSession(site: Site, answer: Answer): void {
  const line = findSetCookie(answer.setCookies, site.sessionCookie);
  demand(line === undefined, `it sets ${site.sessionCookie}`);
}

/** What the page says above its form. */
const messageOf = ({ body }: Answer): string => /role="alert"[^>]*>([^<]*)</.exec(body)?.[1]?.trim() ?? '';
