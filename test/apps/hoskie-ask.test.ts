import express, { type Express } from 'express';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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
async function openApp(origin?: string, configure?: (app: Express) => unknown): Promise<string> {
  const options = { url: service.origin, origin, onUnavailable };
  return stack.use(await openExpress(options, configure)).origin;
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
  const app = await openApp();
  const visitor = {
    cookie: 'a=1; sessionid=x',
    authorization: 'Bearer t',
    accept: 'text/html',
    'sec-fetch-dest': 'document',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-user': '?1',
    referer: `${APP}/form`,
    upgrade: 'websocket',
  };
  const others = { 'Remote-User': 'root', 'X-Forwarded-Uri': '/other', Host: 'app.example.org:8443' };
  await send(`${app}/x%20y/?a=1&b=2%26c`, { ...visitor, ...others }, 'POST');
  expect(asked).toEqual([
    {
      method: 'GET',
      url: '/api/authz/forward-auth',
      headers: {
        ...visitor,
        'x-forwarded-method': 'POST',
        'x-forwarded-proto': 'http',
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
  [302, { Location: 'https://login.example.org/sign-in/?next=https%3A%2F%2Fapp.example.org%2F' }, ''],
  [303, { Location: 'https://login.example.org/sign-in/?next=https%3A%2F%2Fapp.example.org%2F' }, ''],
  [
    401,
    { 'WWW-Authenticate': 'Bearer realm="x"', 'Content-Type': 'application/problem+json' },
    '{"status":401}',
  ],
  [403, { 'Content-Type': 'application/problem+json' }, '{"status":403}'],
])('passes on a %i, and the handler is not reached', async (status, headers, body) => {
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

test('asks again where the service has closed the connection that was kept open', async () => {
  signEverybodyIn();
  const { respond } = service;
  const used = new Set<unknown>();
  service.respond = (request, response) => {
    if (used.has(request.socket)) return request.socket.resetAndDestroy();
    used.add(request.socket);
    return respond!(request, response);
  };
  const app = await openApp();
  expect((await send(app)).status).toBe(200);
  expect((await send(app)).status).toBe(200);
  expect(used.size).toBe(2);
});

describe("the app's own origin", () => {
  const forwarded = {
    Host: 'internal:3000',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'app.example.org:8443, x',
  };
  test.each<[string, string | undefined, (app: Express) => unknown, string]>([
    ['the option', `${APP}:444/`, () => undefined, 'https app.example.org:444'],
    [
      'a proxy that Express trusts',
      undefined,
      (app) => app.set('trust proxy', true),
      'https app.example.org:8443',
    ],
    ["a proxy that it doesn't trust", undefined, () => undefined, 'http internal:3000'],
  ])('from %s', async (_, origin, configure, expected) => {
    const asked = signEverybodyIn();
    await send(await openApp(origin, configure), forwarded);
    const { headers } = asked[0]!;
    expect(`${headers['x-forwarded-proto'] as string} ${headers['x-forwarded-host'] as string}`).toBe(
      expected,
    );
  });
});

test('behind a mount path, and without Express', async () => {
  const asked = signEverybodyIn();
  const middleware = hoskie({ url: service.origin });
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
  expect(asked.map(({ headers }) => [headers['x-forwarded-proto'], headers['x-forwarded-uri']])).toEqual([
    ['http', '/account/x?y'],
    ['http', '/x?y'],
  ]);
});
