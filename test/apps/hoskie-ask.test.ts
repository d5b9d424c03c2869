import express from 'express';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hoskie } from '../../packages/client/src/hoskie.ts';
import { openExpress, send } from '../support/express-app.ts';
import { Issuer, openServer } from '../support/issuer.ts';

const APP = 'https://app.example.org';
const ADA = { user: { id: '7', username: 'Ada 🌙' }, sessionId: 'a-session' };

let stack: AsyncDisposableStack;
/** In the place of the service. */
let service: Issuer;
const onUnavailable = vi.fn();

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  service = stack.use(await Issuer.open());
});
afterEach(async () => {
  await stack.disposeAsync();
  onUnavailable.mockClear();
});

/** Returns its origin on this machine. */
async function openApp(origin = APP): Promise<string> {
  return stack.use(await openExpress({ url: service.origin, origin, onUnavailable })).origin;
}

interface Question {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
}

/** The service takes every visitor for Ada. Returns what it was asked. */
function signEverybodyIn(): Question[] {
  const asked: Question[] = [];
  service.respond = ({ method, url, headers }, response) => {
    asked.push({ method, url, headers });
    void service.assert(APP).then((assertion) => {
      response.writeHead(200, { 'Hoskie-Jwt-Assertion': assertion, 'Cache-Control': 'no-store' }).end();
    });
  };
  return asked;
}

test('signed in: the handler sees the user and the session', async () => {
  signEverybodyIn();
  const response = await send(await openApp(), { Cookie: 'sessionid=x' });
  expect({ ...response, body: JSON.parse(response.body) as unknown }).toMatchObject({
    status: 200,
    body: ADA,
  });
});

test('asks what the visitor asked: address, credential, and whether it wants a page', async () => {
  const asked = signEverybodyIn();
  const app = await openApp(`${APP}:8443/`);
  const visitor = {
    cookie: 'a=1; sessionid=x',
    authorization: 'Bearer t',
    accept: 'text/html',
    'sec-fetch-mode': 'navigate',
    referer: `${APP}/form`,
    upgrade: 'websocket',
  };
  const others = {
    'Remote-User': 'root',
    Host: 'internal:3000',
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Host': 'other.example.org',
    'X-Forwarded-Uri': '/other',
    'Sec-Fetch-Dest': 'document',
  };
  await send(`${app}/x%20y/?a=1&b=2%26c`, { ...visitor, ...others }, 'POST');
  expect(asked).toEqual([
    {
      method: 'GET',
      url: '/api/authz/forward-auth',
      headers: {
        ...visitor,
        'x-forwarded-method': 'POST',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'app.example.org:8443',
        'x-forwarded-uri': '/x%20y/?a=1&b=2%26c',
        host: new URL(service.origin).host,
        connection: 'keep-alive',
      },
    },
  ]);
});

test('keeps credentials of another scheme to itself, and one connection open', async () => {
  const asked = signEverybodyIn();
  const ports = new Set<number | undefined>();
  const { respond } = service;
  service.respond = (request, response) => {
    ports.add(request.socket.remotePort);
    return respond!(request, response);
  };
  const app = await openApp();
  for (let i = 0; i < 3; i += 1) await send(app, { Authorization: 'Basic eA==' });
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined, undefined]);
  expect(ports.size).toBe(1);
});

test.each<[number, Record<string, string>, string]>([
  [302, { Location: 'SERVICE/sign-in/?next=https%3A%2F%2Fapp.example.org%2F' }, ''],
  [303, { Location: 'SERVICE/sign-in/?next=https%3A%2F%2Fapp.example.org%2F' }, ''],
  [
    401,
    { 'WWW-Authenticate': 'Bearer realm="x"', 'Content-Type': 'application/problem+json' },
    '{"status":401}',
  ],
  [403, { 'Content-Type': 'application/problem+json' }, '{"status":403}'],
])('passes on a %i, and the handler is not reached', async (status, template, body) => {
  const entries = Object.entries(template);
  const headers = Object.fromEntries(entries.map(([k, v]) => [k, v.replace('SERVICE', service.origin)]));
  service.respond = (_, response) =>
    response.writeHead(status, { ...headers, 'Set-Cookie': 'a=b', 'Remote-User': 'ada' }).end(body);
  const response = await send(await openApp());
  expect({ status: response.status, body: response.body }).toEqual({ status, body });
  for (const [name, value] of Object.entries(headers))
    expect(response.headers[name.toLowerCase()]).toBe(value);
  expect(response.headers['cache-control']).toBe('no-store');
  expect(response.headers).not.toHaveProperty('set-cookie');
  expect(onUnavailable).not.toHaveBeenCalled();
});

test.each<[string, Issuer['respond']]>([
  ['503', (_, response) => response.writeHead(503, { 'Retry-After': '10' }).end()],
  ['500', (_, response) => response.writeHead(500).end()],
  ['404', (_, response) => response.writeHead(404).end()],
  ['400', (_, response) => response.writeHead(400).end('{"code":"x"}')],
  ['another redirect', (_, response) => response.writeHead(301, { Location: '/api/' }).end()],
  [
    'a redirect of a maintenance page',
    (_, response) => response.writeHead(302, { Location: '/maintenance/' }).end(),
  ],
  [
    'a redirect to another origin',
    (_, response) => response.writeHead(302, { Location: 'https://evil.example/' }).end(),
  ],
  ['a redirect to nowhere', (_, response) => response.writeHead(303).end()],
  ["a firewall's 403", (_, response) => response.writeHead(403, { 'Content-Type': 'text/html' }).end('<p>')],
  ["a proxy's 401", (_, response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end()],
  ['200 without an assertion', (_, response) => response.setHeader('Remote-User-Id', '1').end('Hello')],
  ['200 with a broken one', (_, response) => response.setHeader('Hoskie-Jwt-Assertion', 'a.b.c').end()],
  ['a broken connection', (request) => request.socket.destroy()],
  [
    'a response that breaks off',
    (request, response) => {
      response
        .writeHead(302, { Location: '/', 'Content-Length': '10' })
        .write('x', () => request.socket.destroy());
    },
  ],
  [
    'a response that is far too long',
    (_, response) => {
      response.writeHead(401, { 'Content-Type': 'application/problem+json' });
      response.end('x'.repeat(70_000));
    },
  ],
  ['no response within five seconds', () => undefined],
])('%s: 503 with Retry-After, never "signed out"; public pages stay up', async (_, respond) => {
  service.respond = respond;
  const app = await openApp();
  const response = await send(app, { Cookie: 'sessionid=x', Accept: 'text/html' });
  expect(response.status).toBe(503);
  expect(response.headers).toMatchObject({ 'retry-after': '10', 'cache-control': 'no-store' });
  expect(response.headers).not.toHaveProperty('location');
  expect(onUnavailable).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      message: expect.stringContaining(`${service.origin}/api/authz/`) as unknown,
    }),
  );
  expect((await send(`${app}/public`)).body).toBe('public');
});

test('asks again, once, where the service has closed the connection that was kept open', async () => {
  signEverybodyIn();
  const { respond } = service;
  const used = new Set<unknown>();
  service.respond = (request, response) => {
    if (used.has(request.socket)) return request.socket.resetAndDestroy();
    used.add(request.socket);
    return respond!(request, response);
  };
  const app = await openApp();
  // Several connections are kept, and all of them are closed.
  for (let round = 0; round < 2; round += 1) {
    const responses = await Promise.all(Array.from({ length: 4 }, () => send(app)));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  }
  expect(used.size).toBe(8);
});

test('five seconds in all: asking again has only what is left of them', async () => {
  signEverybodyIn();
  const app = await openApp();
  expect((await send(app)).status).toBe(200);
  let attempts = 0;
  service.respond = (request) => {
    attempts += 1;
    if (attempts === 1) setTimeout(() => request.socket.resetAndDestroy(), 2500);
  };
  const startedAtMs = performance.now();
  expect((await send(app)).status).toBe(503);
  expect(performance.now() - startedAtMs).toBeLessThan(6000);
  expect(attempts).toBe(2);
});

test.each([
  ['*', 'OPTIONS'],
  ['http://other.example.org/', 'GET'],
])('the address %s is a 400, not an outage, and the service is not asked', async (path, method) => {
  const asked = signEverybodyIn();
  const outgoing = httpRequest(await openApp(), { path, method }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(400);
  expect(asked).toEqual([]);
  expect(onUnavailable).not.toHaveBeenCalled();
});

test('an outage warns once a second, not once a request', async () => {
  service.respond = (_, response) => response.writeHead(500).end();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  stack.defer(() => warn.mockRestore());
  const app = stack.use(await openExpress({ url: service.origin, origin: APP })).origin;
  for (let i = 0; i < 5; i += 1) expect((await send(app)).status).toBe(503);
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    new Error(`${service.origin}/api/authz/forward-auth returned 500`),
  );
});

test('a HEAD request: signed in, signed out and in an outage', async () => {
  const app = await openApp();
  signEverybodyIn();
  expect(await send(app, {}, 'HEAD')).toMatchObject({ status: 200, body: '' });
  const location = `${service.origin}/sign-in/`;
  service.respond = (_, response) => response.writeHead(302, { Location: location }).end();
  expect(await send(app, {}, 'HEAD')).toMatchObject({ status: 302, headers: { location }, body: '' });
  service.respond = (_, response) => response.writeHead(500).end();
  expect(await send(app, {}, 'HEAD')).toMatchObject({ status: 503, body: '' });
});

test('the warning says what to do: no ASSERTION_KEYS, nothing listening', async () => {
  service.respond = (_, response) => response.writeHead(404).end();
  await send(await openApp());
  const nobody = { url: 'http://localhost:1', origin: APP, onUnavailable };
  await send(stack.use(await openExpress(nobody)).origin);
  expect(onUnavailable.mock.calls.map(([error]) => (error as Error).message)).toEqual([
    `${service.origin}/api/authz/forward-auth returned 404. Is ASSERTION_KEYS set at the service?`,
    expect.stringMatching(/^Can't reach http:\/\/localhost:1\/api\/authz\/forward-auth: .*ECONNREFUSED/),
  ]);
});

test('behind a mount path, and without Express', async () => {
  const asked = signEverybodyIn();
  const middleware = hoskie({ url: service.origin, origin: APP });
  const mounted = express();
  mounted.use('/account', middleware, (_, response) => void response.send('in'));
  const { origin } = stack.use(await openServer(mounted));
  expect((await send(`${origin}/account/x?y`)).body).toBe('in');

  const bare = await openServer((request, response) => {
    void middleware(request, response, () => {
      response.end((request as unknown as typeof ADA).user.username);
    });
  });
  expect((await send(`${stack.use(bare).origin}/x?y`)).body).toBe('Ada 🌙');
  expect(asked.map(({ headers }) => headers['x-forwarded-uri'])).toEqual(['/account/x?y', '/x?y']);
});
