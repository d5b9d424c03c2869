import { describe, expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

const environment = useTestEnvironment();

/** What is left of a sign-out, and for how many seconds: the helper's second, and the device's year. */
async function expectDeviceAlone({ jar, origin }: Visitor): Promise<void> {
  const kept = (await jar.getCookies(origin)).map(({ key, maxAge }) => [key, maxAge]);
  expect(kept).toEqual([
    ['device', 31_536_000],
    ['signedout', 1],
  ]);
}

/** The session and CSRF cookies that a response sets, without their random values. */
const shapes = ({ setCookies }: Answer): string[] =>
  setCookies
    .filter((cookie) => /^(?:__Host-)?(?:sessionid|csrftoken)=/.test(cookie))
    .map((cookie) => cookie.replace(/^([^=]+)=[^;]+/, '$1=*'));

const EXPIRED = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';

describe('on https', () => {
  test('without Remember me both expire with the browser session', async () => {
    const visitor = environment.worker.visitor();
    const user = await addUser(environment.cloud);
    expect(shapes(await visitor.get('/sign-in/'))).toEqual(['csrftoken=*; Path=/; Secure; SameSite=Lax']);
    expect(shapes(await visitor.signIn(user))).toEqual([
      'sessionid=*; Path=/; HttpOnly; Secure; SameSite=Lax',
      'csrftoken=*; Path=/; Secure; SameSite=Lax',
    ]);
    expect(shapes(await visitor.logOut())).toEqual([
      `csrftoken=; ${EXPIRED}; Path=/; Secure; SameSite=Lax`,
      `sessionid=; ${EXPIRED}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
    await expectDeviceAlone(visitor);
  });

  test('with Remember me both have a Max-Age', async () => {
    const response = await environment.worker
      .visitor()
      .signIn(await addUser(environment.cloud), { rememberMe: true });
    expect(shapes(response)).toEqual([
      'sessionid=*; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax',
      'csrftoken=*; Max-Age=2592000; Path=/; Secure; SameSite=Lax',
    ]);
  });

  test('the token is opaque, random and long', async () => {
    const user = await addUser(environment.cloud);
    const tokens = new Set<string | undefined>();
    for (let i = 0; i < 3; i += 1) {
      const visitor = environment.worker.visitor();
      await visitor.signIn(user);
      tokens.add(await visitor.cookie('sessionid'));
    }
    expect(tokens.size).toBe(3);
    // 128 bits are 22 characters of base64url.
    for (const token of tokens) expect(token).toMatch(/^[\w-]{22,}$/);
  });

  test('the CSRF cookie changes at sign-in', async () => {
    const visitor = environment.worker.visitor();
    await visitor.get('/sign-in/');
    const before = await visitor.cookie('csrftoken');
    await visitor.signIn(await addUser(environment.cloud));
    expect(await visitor.cookie('csrftoken')).not.toBe(before);
  });
});

test.each(['http://localhost:8787', 'http://127.0.0.1:8787', 'http://[::1]:8787'])(
  'on %s there is no Secure',
  async (origin) => {
    const visitor = environment.worker.visitor({ origin });
    expect(shapes(await visitor.signIn(await addUser(environment.cloud)))).toEqual([
      'sessionid=*; Path=/; HttpOnly; SameSite=Lax',
      'csrftoken=*; Path=/; SameSite=Lax',
    ]);
    expect(shapes(await visitor.logOut())).toEqual([
      `csrftoken=; ${EXPIRED}; Path=/; SameSite=Lax`,
      `sessionid=; ${EXPIRED}; Path=/; HttpOnly; SameSite=Lax`,
    ]);
  },
);

test('on https://localhost there is', async () => {
  const visitor = environment.worker.visitor({ origin: 'https://localhost:8787' });
  expect(shapes(await visitor.get('/sign-in/'))).toEqual(['csrftoken=*; Path=/; Secure; SameSite=Lax']);
});

test('with SESSION_COOKIE_DOMAIN sign-in and sign-out expire the host-only duplicate', async () => {
  await using worker = await openWorker({
    cloud: environment.cloud,
    bindings: { SESSION_COOKIE_DOMAIN: 'example.org' },
  });
  const user = await addUser(environment.cloud);
  const visitor = worker.visitor();
  // From before the domain was configured.
  await visitor.setCookie('sessionid=left-over; Path=/; Secure; HttpOnly');
  expect(shapes(await visitor.signIn(user))).toEqual([
    `sessionid=; ${EXPIRED}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    'sessionid=*; Domain=example.org; Path=/; HttpOnly; Secure; SameSite=Lax',
    'csrftoken=*; Path=/; Secure; SameSite=Lax',
  ]);
  expect(await visitor.isSignedIn()).toBe(true);
  expect(shapes(await visitor.logOut())).toEqual([
    `csrftoken=; ${EXPIRED}; Path=/; Secure; SameSite=Lax`,
    `sessionid=; ${EXPIRED}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    `sessionid=; ${EXPIRED}; Domain=example.org; Path=/; HttpOnly; Secure; SameSite=Lax`,
  ]);
  await expectDeviceAlone(visitor);
});

test.each(['https://login.example.org', 'http://localhost:8787'])(
  '__Host- names are always Secure, on %s too',
  async (origin) => {
    await using worker = await openWorker({
      cloud: environment.cloud,
      bindings: { SESSION_COOKIE_NAME: '__Host-sessionid', CSRF_COOKIE_NAME: '__Host-csrftoken' },
    });
    const visitor = worker.visitor({ origin });
    expect(shapes(await visitor.signIn(await addUser(environment.cloud)))).toEqual([
      '__Host-sessionid=*; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Host-csrftoken=*; Path=/; Secure; SameSite=Lax',
    ]);
    expect(await visitor.isSignedIn()).toBe(true);
    expect(shapes(await visitor.logOut())).toEqual([
      `__Host-csrftoken=; ${EXPIRED}; Path=/; Secure; SameSite=Lax`,
      `__Host-sessionid=; ${EXPIRED}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
  },
);
