import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apiClient } from '../../packages/client/src/index.ts';
import { findFreePort } from '../../tools/local-cloud/free-port.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { openCloud } from '../support/cloud.ts';
import { openSites } from '../support/django-sites.ts';
import { havePackages, PACKAGES_SETUP_TIMEOUT_MS, PYTHON_PACKAGES } from '../support/debian.ts';
import { nowSeconds } from '../support/issuer.ts';
import { addUser, eventually, type TestUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { openWorker } from '../support/worker.ts';
import { send } from './proxies/send.ts';

// The test site of packages/django in gunicorn, in both modes, in front of the real service.

const RESPONSE_DEADLINE_MS = 5000;
const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };

/** Ways to say who one is that some servers and apps believe. */
const SPELLINGS = ['Remote-User', 'Remote_User', 'Remote.User', 'REMOTE_USER', 'X-Remote-User'];

const stack = new AsyncDisposableStack();
const serviceKey = newSigningKey();
let available = false;
let cloud: CloudProxy;
let login: string;
let asking: string;
let verifying: string;
/** Has an account at the site that may enter its admin. */
let admin: TestUser;
/** The site has an account with this one's id and another name. */
let sameId: TestUser;
/** The site has an account with this one's name and another id. */
let sameName: TestUser;

beforeAll(async () => {
  available = await havePackages(PYTHON_PACKAGES);
  if (!available) return;
  const [loginPort, askPort, verifyPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  [login, asking, verifying] = [loginPort, askPort, verifyPort].map((port) => `http://localhost:${port}`) as [
    string,
    string,
    string,
  ];
  cloud = await openCloud();
  stack.defer(() => cloud.stop());
  const bindings = {
    PUBLIC_URL: login,
    ASSERTION_KEYS: toKeySet([serviceKey]),
    ALLOWED_REDIRECT_HOSTS: `localhost:${askPort},localhost:${verifyPort}`,
  };
  stack.use(await openWorker({ cloud, bindings, port: loginPort }));
  [admin, sameId, sameName] = [await addUser(cloud), await addUser(cloud), await addUser(cloud)];
  const accounts = [
    { pk: admin.id, username: admin.username, is_staff: true, is_superuser: true },
    { pk: sameId.id, username: 'another' },
    { pk: 1_000_000, username: sameName.username },
  ];
  await openSites({ stack, login, accounts, ports: { ask: askPort, header: verifyPort } });
}, PACKAGES_SETUP_TIMEOUT_MS);
beforeEach((test) => test.skip(!available, 'Debian packages are missing'));
afterEach(() => {
  if (available) cloud.faults.clear();
});
afterAll(() => stack.disposeAsync());

async function signedIn(user?: TestUser) {
  const person = user ?? (await addUser(cloud));
  const [cookie, bearer] = await Promise.all([
    seedSession(cloud, person, { kind: 'cookie' }),
    seedSession(cloud, person, { kind: 'bearer' }),
  ]);
  return {
    user: person,
    cookie: { ...PAGE, Cookie: `a=b; sessionid=${cookie.token}` },
    token: bearer.token as string,
    bearer: { Authorization: `Bearer ${bearer.token}` },
  };
}

/** What the service signs about the user of these credentials, for an app. */
async function assertionFor(appOrigin: string, credentials: Record<string, string>): Promise<string> {
  const { protocol, host } = new URL(appOrigin);
  const original = {
    'X-Forwarded-Method': 'GET',
    'X-Forwarded-Proto': protocol.slice(0, -1),
    'X-Forwarded-Host': host,
    'X-Forwarded-Uri': '/',
  };
  const { headers } = await send(login, '/api/authz/forward-auth', {
    headers: { ...credentials, ...original },
  });
  const assertion = headers.get('Hoskie-Jwt-Assertion');
  if (assertion === null) throw new Error('The service signed nothing');
  return assertion;
}

const get = (origin: string, path: string, headers: Record<string, string> = {}) =>
  send(origin, path, { headers: { ...PAGE, ...headers } });

const username = (body: string) => (JSON.parse(body) as { username: string }).username;

describe('the mode ask', () => {
  test('signed out: to the sign-in page, with exactly this address to come back to', async () => {
    const path = '/private/?a=1&b=2%26c';
    const first = await get(asking, path);
    const { status, location } = await get(asking, first.location!);
    expect([first.status, status]).toEqual([302, 303]);
    const address = new URL(location!);
    expect(address.origin + address.pathname).toBe(`${login}/accounts/login/`);
    const { location: page } = await send(login, address.pathname + address.search);
    expect(new URL(page!, login).pathname).toBe('/sign-in/');
    expect(new URL(page!, login).searchParams.get('next')).toBe(asking + path);
  });

  test('signed in by cookie or bearer, until the very next request after the sign-out', async () => {
    const { user, cookie, bearer, token } = await signedIn();
    for (const credentials of [cookie, bearer])
      expect(username((await get(asking, '/private/', credentials)).body)).toBe(user.username);
    await apiClient(login, token).DELETE('/sessions', { params: { query: { scope: 'all' } } });
    for (const credentials of [cookie, bearer])
      expect((await get(asking, '/private/', credentials)).status).toBe(302);
  });

  test.each(SPELLINGS)('the header %s of a client makes it nobody else', async (name) => {
    const forged = {
      [name]: admin.username,
      Hoskie_Jwt_Assertion: await assertionFor(asking, (await signedIn(admin)).cookie),
    };
    expect((await get(asking, '/private/', forged)).status).toBe(302);
    const { user, cookie } = await signedIn();
    expect(username((await get(asking, '/private/', { ...cookie, ...forged })).body)).toBe(user.username);
  });

  test('a store that hangs: 503 in time, the cookie kept, 200 afterwards, and public pages up', async () => {
    const { cookie } = await signedIn();
    cloud.faults.set('redis', { kind: 'hang' });
    const startedAtMs = performance.now();
    const reply = await get(asking, '/template/', cookie);
    expect(performance.now() - startedAtMs).toBeLessThan(RESPONSE_DEADLINE_MS);
    expect(reply.status).toBe(503);
    expect(reply.headers.get('Retry-After')).toBe('10');
    expect(reply.headers.get('Set-Cookie') ?? '').not.toContain('sessionid=');
    expect((await get(asking, '/', cookie)).body).toBe('public');
    cloud.faults.clear();
    await eventually(async () => expect((await get(asking, '/private/', cookie)).status).toBe(200));
  });

  test('the id with another name, and the name with another id, are a 403 that says what to do', async () => {
    for (const user of [sameId, sameName])
      for (const path of ['/private/', '/template/', '/accounts/login/', '/admin/login/']) {
        const reply = await get(asking, path, (await signedIn(user)).cookie);
        expect([reply.status, reply.location]).toEqual([403, null]);
        expect(reply.body).toContain(`hoskie_link ${user.id} ${user.username}`);
      }
  });

  test('the admin lets its staff in, refuses others without a loop, and leads visitors to sign in', async () => {
    expect((await get(asking, '/admin/', (await signedIn(admin)).cookie)).body).toContain(
      'Site administration',
    );
    const { cookie } = await signedIn();
    const refused = await get(asking, (await get(asking, '/admin/', cookie)).location!, cookie);
    expect([refused.status, refused.location]).toEqual([403, null]);
    const { location } = await get(asking, '/admin/login/?next=/admin/auth/');
    expect(location).toBe(`${login}/accounts/login/?next=${encodeURIComponent(`${asking}/admin/auth/`)}`);
  });
});

describe("the mode header, straight to the site's port", () => {
  const verify = (assertion: string, headers: Record<string, string> = {}) =>
    get(verifying, '/private/', { ...headers, 'Hoskie-Jwt-Assertion': assertion });

  test('what the service signs for this site is believed', async () => {
    const { user, cookie } = await signedIn();
    expect(username((await verify(await assertionFor(verifying, cookie))).body)).toBe(user.username);
  });

  test('without an assertion a visitor is signed out, whatever else is sent', async () => {
    const { cookie, bearer } = await signedIn(admin);
    const forged = Object.fromEntries(SPELLINGS.map((name) => [name, admin.username]));
    const reply = await get(verifying, '/private/', { ...cookie, ...bearer, ...forged });
    expect(reply.status).toBe(302);
  });

  test('a second assertion under another spelling is refused, or changes nothing', async () => {
    const { user, cookie } = await signedIn();
    const genuine = await assertionFor(verifying, cookie);
    const forged = await signed({ preferred_username: admin.username }, otherKey());
    const reply = await verify(genuine, { Hoskie_Jwt_Assertion: forged });
    expect([200, 403]).toContain(reply.status);
    if (reply.status === 200) expect(username(reply.body)).toBe(user.username);
  });

  test('one for another app, expired, tampered with, unsigned or of another key is not', async () => {
    const { cookie } = await signedIn();
    const [head, , signature] = (await assertionFor(verifying, cookie)).split('.');
    const claims = (await signed({})).split('.')[1];
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    expect((await verify(await signed({}))).status).toBe(200);
    expect((await verify(await signed({ exp: nowSeconds() - 60 }))).status).toBe(302);
    for (const assertion of [
      await assertionFor(asking, cookie),
      await signed({ aud: 'https://other.example.org' }),
      await signed({}, otherKey()),
      `${head}.${claims}.${signature}`,
      `${none}.${claims}.`,
      '',
    ])
      expect((await verify(assertion)).status).toBe(403);
  });

  const otherKey = () => ({ ...newSigningKey(), kid: serviceKey.kid });

  /** Of the admin, for this site. */
  async function signed(changes: JWTPayload, key = serviceKey): Promise<string> {
    const claims = {
      ...{ iss: login, aud: verifying, sub: admin.id, preferred_username: admin.username, sid: 'a-session' },
      ...{ iat: nowSeconds(), exp: nowSeconds() + 300 },
      ...changes,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.kid })
      .sign(await importJWK({ ...key }, 'ES256'));
  }
});
