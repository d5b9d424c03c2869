import { describe, expect, test } from 'vitest';
import { Browser } from '../../../tools/browser.ts';
import { addUser, type TestUser } from '../../support/people.ts';
import { seedSession } from '../../support/seed-session.ts';
import { identityIn, seenBy, type ProxyEnvironment } from './suite.ts';

const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };
const ADDRESS = '/x/?a=1&b=2%26c';

/** A visitor who is led to the sign-in page, signs in and out, and sends forms. */
export function testSignIn(environment: ProxyEnvironment): void {
  /** Signs in where the proxy led to; returns the browser and where it is led then. */
  async function signIn(location: string | null, { username, password }: TestUser) {
    const { serviceOrigin } = environment.proxy;
    const browser = new Browser(serviceOrigin, fetch, {});
    const { origin, pathname, search } = new URL(location ?? '');
    expect(origin).toBe(serviceOrigin);
    const { location: back } = await browser.submit(await browser.get(pathname + search), {
      username,
      password,
    });
    return { browser, back: new URL(back ?? '', serviceOrigin).href };
  }
  const cookiesOf = async (browser: Browser) => ({
    Cookie: await browser.jar.getCookieString(environment.proxy.origin),
  });

  describe('signing in', () => {
    test('leads back to exactly the address that was asked for', async () => {
      const user = await addUser(environment.cloud);
      const redirect = await environment.ask(ADDRESS, { headers: PAGE });
      expect([302, 303]).toContain(redirect.status);
      const { browser, back } = await signIn(redirect.location, user);
      expect(back).toBe(environment.proxy.origin + ADDRESS);
      const page = await environment.ask(ADDRESS, { headers: { ...PAGE, ...(await cookiesOf(browser)) } });
      expect(page.status).toBe(200);
      expect(seenBy(page).url).toBe(ADDRESS);
      expect(identityIn(seenBy(page))['remote-user-id']).toEqual([user.id]);
    });

    test('an address that takes much room in that of the sign-in page comes back, too', async () => {
      const address = `/?${'&'.repeat(1900)}`;
      const redirect = await environment.ask(address, { headers: PAGE });
      const { back } = await signIn(redirect.location, await addUser(environment.cloud));
      expect(back).toBe(environment.proxy.origin + address);
    });

    test('a form leads to the sign-in page by GET, and back to the page that it is on', async () => {
      const page = `${environment.proxy.origin}/form/?a=1`;
      const redirect = await environment.ask('/form/save/', {
        ...{ method: 'POST', body: Buffer.from('a=b') },
        headers: { ...PAGE, Referer: page },
      });
      expect(redirect.status).toBe(303);
      const { back } = await signIn(redirect.location, await addUser(environment.cloud));
      expect(back).toBe(page);
    });
  });

  test.each([
    { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' },
    { 'Sec-Fetch-Mode': 'websocket', Accept: 'text/html' },
    { Upgrade: 'websocket', Connection: 'Upgrade', Accept: 'text/html' },
    { Accept: 'application/json' },
    {},
  ])('a signed-out request that wants no page, %o: 401, never a redirect', async (headers) => {
    const before = environment.app.seen.length;
    const { status, location } = await environment.ask('/x/', { headers });
    expect([status, location]).toEqual([401, null]);
    expect(environment.app.seen).toHaveLength(before);
  });

  test('the next request after a sign-out is signed out', async () => {
    const user = await addUser(environment.cloud);
    const redirect = await environment.ask('/', { headers: PAGE });
    const { browser } = await signIn(redirect.location, user);
    const headers = await cookiesOf(browser);
    expect((await environment.ask('/', { headers })).status).toBe(200);
    const { pathname } = new URL(redirect.location ?? '');
    const signedOut = await browser.submit(await browser.get(pathname.replace('sign-in', 'logout')));
    expect(signedOut.status).toBe(303);
    expect((await environment.ask('/', { headers })).status).toBe(401);
  });

  test('a bearer of the API signs in as well', async () => {
    const user = await addUser(environment.cloud);
    const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const reply = await environment.ask('/', { headers: { Authorization: `Bearer ${token}` } });
    expect(identityIn(seenBy(reply))['remote-user-id']).toEqual([user.id]);
  });
}
