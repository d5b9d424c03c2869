import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hoskie } from '../../packages/client/src/hoskie.ts';
import { signedInAs } from '../../packages/client/src/testing.ts';
import { openExpress, send } from '../support/express-app.ts';
import { Issuer } from '../support/issuer.ts';

const APP = 'https://app.example.org';
const ADA = { user: { id: '7', username: 'Ada 🌙' }, sessionId: 'a-session' };

let app: string;

let stack: AsyncDisposableStack;
/** In the place of the service. */
let service: Issuer;
const onUnavailable = vi.fn();

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  service = stack.use(await Issuer.open());
  const options = { url: service.origin, mode: 'header', origin: APP, onUnavailable } as const;
  app = stack.use(await openExpress(options)).origin;
});
afterEach(async () => {
  await stack.disposeAsync();
  onUnavailable.mockClear();
});

const withAssertion = (assertion: string) => send(app, { 'Hoskie-Jwt-Assertion': assertion });

test('signed in by the assertion alone; the service is asked for its keys only', async () => {
  const response = await withAssertion(await service.assert(APP));
  expect(JSON.parse(response.body)).toEqual(ADA);
  expect((await withAssertion(await service.assert(APP))).status).toBe(200);
  expect(service.fetches).toBe(1);
});

test("none, another app's or an expired one is 401, whatever else the client claims", async () => {
  const lies = {
    'Remote-User': 'root',
    'Remote-User-Id': '1',
    Hoskie_Jwt_Assertion: await service.assert(APP),
    Host: 'other.example.org',
  };
  for (const assertion of [
    '',
    await service.assert('https://other.example.org'),
    await service.assert(APP, { exp: 1 }),
  ]) {
    const response = await send(app, { ...lies, 'Hoskie-Jwt-Assertion': assertion });
    expect(response).toMatchObject({ status: 401, body: 'Not signed in.\n' });
    expect(response.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' });
  }
});

test('keys out of reach: 503 with Retry-After; public pages stay up', async () => {
  service.respond = (_, response) => response.writeHead(500).end();
  const response = await withAssertion(await service.assert(APP));
  expect(response.status).toBe(503);
  expect(response.headers['retry-after']).toBe('10');
  expect(onUnavailable).toHaveBeenCalledOnce();
  expect((await send(`${app}/public`)).body).toBe('public');
});

test('signedInAs opens it in one line and without network', async () => {
  const url = `${app}/account`;
  const response = await fetch(
    await signedInAs({ id: '1', username: 'grace' }, { issuer: service.origin, audience: APP, url }),
  );
  expect(await response.json()).toEqual({
    user: { id: '1', username: 'grace' },
    sessionId: 'test-session',
  });
  expect(service.fetches).toBe(0);
});

test.each<[string, object, RegExp]>([
  ['url', { url: 'login.example.org' }, /^url must be an origin/],
  ['origin', { origin: `${APP}/account` }, /^origin must be an origin/],
  ['no origin', { origin: undefined }, /^origin must be an origin/],
  ['mode', { mode: 'headers' }, /^mode must be ask or header/],
])('a wrong option says so at once: %s', (_, options, message) => {
  expect(() => hoskie({ url: 'https://login.example.org', origin: APP, ...options })).toThrow(message);
});
