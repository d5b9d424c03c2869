import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useCloud } from '../support/test-environment.ts';
import { addUser, loginRows } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { startEchoApp, type EchoApp } from './proxies/echo-app.ts';
import { openGate, type GateOptions } from './proxies/gate.ts';
import type { Proxy } from './proxies/proxy.ts';
import { send, type Sent } from './proxies/send.ts';
import { seenBy, testProxy } from './proxies/suite.ts';
import { Browser } from '../../tools/browser.ts';

const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };

testProxy('the gate', [], (cloud, appPort) => openGate({ cloud, appPort }));

describe('the gate alone', () => {
  const stores = useCloud();
  let app: EchoApp;
  let gate: Proxy;

  beforeAll(async () => {
    app = await startEchoApp();
    gate = await open({ PUBLIC_PATHS: '/, /app/open/', PROTECTED_PATHS: '/app/, /exact' });
  });
  afterAll(async () => {
    await gate.stop();
    await app.stop();
  });

  const open = (vars: Record<string, string>, more: Partial<GateOptions> = {}): Promise<Proxy> =>
    openGate({ cloud: stores.cloud, appPort: app.port, vars, ...more });
  const ask = (path: string, sent?: Sent) => send(gate.origin, path, sent);

  async function signedIn() {
    const user = await addUser(stores.cloud);
    const { token } = await seedSession(stores.cloud, user, { kind: 'cookie' });
    return { user, token };
  }

  test.each(['/app/', '/'])(
    'keeps the session’s token from the app, and leaves it its own cookies: %s',
    async (path) => {
      const { token } = await signedIn();
      const own = 'sessionid=django; csrftoken=django-csrf; empty=; theme="a=b"; prefs={"a":1,"b":2}';
      const Cookie = `__Host-hoskie=${token}; ${own}; __Host-hoskie =other;device=x;  __Host-hoskie-csrf=y`;
      const seen = seenBy(await ask(path, { headers: { Cookie } }));
      const cookies = seen.headers
        .filter(([name]) => name.toLowerCase() === 'cookie')
        .map(([, value]) => value);
      expect(cookies).toEqual([own]);
      const without = seenBy(await ask(path, { headers: { Cookie: `__Host-hoskie=${token}` } }));
      expect(without.headers.filter(([name]) => name.toLowerCase() === 'cookie')).toEqual([]);
    },
  );

  test('keeps a bearer that signed in from the app, and leaves it any other Authorization', async () => {
    const { token } = await seedSession(stores.cloud, await addUser(stores.cloud), { kind: 'bearer' });
    const cookie = `__Host-hoskie=${(await signedIn()).token}`;
    const passed = async (path: string, headers: Record<string, string>) =>
      seenBy(await ask(path, { headers })).headers.find(
        ([name]) => name.toLowerCase() === 'authorization',
      )?.[1];
    // Which it was, it may know: other sites can't send a bearer.
    expect(await passed('/app/', { Authorization: `Bearer ${token}` })).toBe('Bearer removed');
    expect(await passed('/app/', { Cookie: cookie, Authorization: 'Basic YTpi' })).toBe('Basic YTpi');
    expect(await passed('/', { Authorization: 'Bearer of-the-app' })).toBe('Bearer of-the-app');
  });

  test.each([
    ['/', 200],
    ['/about/', 200],
    ['/app', 401],
    ['/app/x', 401],
    ['/app/open/', 200],
    ['/app/open', 200],
    ['/application', 200],
    ['/exact', 401],
    ['/exactly', 200],
    ['//app/x', 401],
    ['/%61pp/x', 401],
    ['/x/..%2fapp/', 401],
    ['/x/..%5Capp/', 401],
    ['/x/%3f/..%2f..%2fapp', 401],
    ['/x/%23/..%2f..%2fapp', 401],
    ['/x/..;/app', 401],
    ['/x/..%3b/app', 401],
    ['/x/..%252fapp', 401],
    ['/caf%C3%A9/', 200],
    ['/%ff', 401],
  ])('of the paths that are listed, the longest that fits decides: %s is %i', async (path, status) => {
    expect((await ask(path)).status).toBe(status);
  });

  test.each([
    ['/auth/sign-in/', 200, null],
    ['/auth', 308, '/auth/'],
    ['/.well-known/change-password', 302, '/auth/account/password/'],
    ['/.well-known/jwks.json', 200, null],
  ])('%s is the service’s', async (path, status, location) => {
    const before = app.seen.length;
    const reply = await ask(path);
    expect([reply.status, reply.location]).toEqual([status, location]);
    expect(app.seen).toHaveLength(before);
  });

  test.each(['/api/authz/forward-auth', '/sign-in/', '/authentic/', '/healthz'])(
    '%s is the app’s',
    async (path) => {
      expect(seenBy(await ask(path)).url).toBe(path);
    },
  );

  test('a sign-in through it is recorded with the visitor’s own address and browser', async () => {
    const { username, password } = await addUser(stores.cloud);
    const headers = { 'CF-Connecting-IP': '203.0.113.7', 'User-Agent': 'a browser' };
    const browser = new Browser(gate.origin, fetch, headers);
    await browser.submit(await browser.get('/auth/sign-in/'), { username, password });
    const [row] = await loginRows(stores.cloud, username);
    expect(row).toMatchObject({ ip_address: '203.0.113.7', user_agent: 'a browser' });
    // Host-only, so no other host of the domain sees it.
    const cookies = await browser.jar.getCookies(gate.origin);
    expect(cookies.map(({ key, hostOnly }) => [key, hostOnly])).toContainEqual(['__Host-hoskie', true]);
  });

  test('a service that can’t be reached is 503, on the app’s pages and on its own; public pages stay up', async () => {
    const broken = await open({}, { service: 'export default { fetch() { throw new Error("out"); } };' });
    try {
      for (const path of ['/', '/auth/sign-in/']) {
        const reply = await send(broken.origin, path, { headers: PAGE });
        expect(reply.status, path).toBe(503);
        expect(reply.headers.get('Retry-After')).toBe('10');
      }
      expect((await send(broken.origin, '/static/a.css')).status).toBe(200);
    } finally {
      await broken.stop();
    }
  });

  test('a page that was typed without https leads there', async () => {
    const reply = await send(gate.origin, '/app/?a=1', { headers: { Host: 'app.example.org' } });
    expect([reply.status, reply.location]).toEqual([308, 'https://app.example.org/app/?a=1']);
  });

  test('a 200 that says nobody’s name opens nothing: another Worker is bound', async () => {
    const wrong = await open({}, { service: 'export default { fetch: () => new Response("ok") };' });
    try {
      expect((await send(wrong.origin, '/', { headers: PAGE })).status).toBe(503);
    } finally {
      await wrong.stop();
    }
  });

  test('an app that is a Worker is asked over its binding, at its own address', async () => {
    const worker =
      'export default { fetch: (request) => new Response(`${request.url} ${request.headers.get("Remote-User-Id")}`) };';
    const other = await open({ ORIGIN: '' }, { appWorker: worker });
    try {
      const { user, token } = await signedIn();
      const reply = await send(other.origin, '/x?a=1', { headers: { Cookie: `__Host-hoskie=${token}` } });
      expect(reply.body).toBe(`${other.origin}/x?a=1 ${user.id}`);
    } finally {
      await other.stop();
    }
  });
});
