import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { apiClient } from '../../packages/client/src/index.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { openCloud } from '../support/cloud.ts';
import { openExpress, send } from '../support/express-app.ts';
import { openServer } from '../support/issuer.ts';
import { addUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { openWorker } from '../support/worker.ts';

// Express apps in front of the real service.

/** Plain http, like the service: Miniflare takes X-Forwarded-Proto for the protocol of the request itself. */
const APP = 'http://app.example.org';
const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };
const RESPONSE_DEADLINE_MS = 5000;

const stack = new AsyncDisposableStack();
let cloud: CloudProxy;
/** `PUBLIC_URL`: a port that is known before the Worker has its own. */
let login: string;
/** The same app in both modes. */
let asking: string;
let verifying: string;

beforeAll(async () => {
  let workerOrigin = '';
  const front = await openServer((request, response) => {
    const { method, headers, url = '/' } = request;
    const outgoing = httpRequest(workerOrigin + url, { method, headers }, (reply) => {
      response.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(response);
    });
    request.pipe(outgoing);
  });
  login = stack.use(front).origin;
  cloud = await openCloud();
  stack.defer(() => cloud.stop());
  const bindings = {
    PUBLIC_URL: login,
    ASSERTION_KEYS: toKeySet([newSigningKey()]),
    ALLOWED_REDIRECT_HOSTS: 'app.example.org',
  };
  workerOrigin = stack.use(await openWorker({ cloud, bindings })).localOrigin;
  const options = { url: login, origin: APP, onUnavailable: () => undefined };
  asking = stack.use(await openExpress(options)).origin;
  verifying = stack.use(await openExpress({ ...options, mode: 'header' })).origin;
});
afterEach(() => cloud.faults.clear());
afterAll(() => stack.disposeAsync());

async function signedIn() {
  const user = await addUser(cloud);
  const [cookie, bearer] = await Promise.all([
    seedSession(cloud, user, { kind: 'cookie' }),
    seedSession(cloud, user, { kind: 'bearer' }),
  ]);
  return {
    user: { id: user.id, username: user.username },
    cookie: { headers: { Cookie: `a=b; sessionid=${cookie.token}` }, sessionId: cookie.session.id },
    bearer: { token: bearer.token, headers: { Authorization: `Bearer ${bearer.token}` } },
  };
}

test('signed out: a page goes to sign in and comes back to exactly that address', async () => {
  const { status, headers } = await send(`${asking}/x/?a=1&b=2%26c`, PAGE);
  expect(status).toBe(302);
  expect(headers.location).toBe(`${login}/sign-in/?next=${encodeURIComponent(`${APP}/x/?a=1&b=2%26c`)}`);
});

test('signed out: a form comes back to its page; scripts and WebSockets get 401', async () => {
  const form = await send(`${asking}/x`, { ...PAGE, Referer: `${APP}/form?a` }, 'POST');
  expect(form.status).toBe(303);
  expect(form.headers.location).toBe(`${login}/sign-in/?next=${encodeURIComponent(`${APP}/form?a`)}`);
  for (const headers of [
    { ...PAGE, 'Sec-Fetch-Mode': 'cors' },
    { ...PAGE, 'Sec-Fetch-Mode': 'websocket' },
    { Accept: 'text/html', Upgrade: 'websocket' },
    { Accept: 'application/json', Authorization: 'Bearer x' },
  ]) {
    const refused = await send(`${asking}/x`, headers);
    expect(refused.status).toBe(401);
    expect(refused.headers).not.toHaveProperty('location');
  }
});

test('signed in by cookie or bearer, until the session ends', async () => {
  const { user, cookie, bearer } = await signedIn();
  const byCookie = await send(`${asking}/x`, { ...PAGE, ...cookie.headers, 'Remote-User': 'root' });
  expect(JSON.parse(byCookie.body)).toEqual({ user, sessionId: cookie.sessionId });
  expect(JSON.parse((await send(asking, bearer.headers)).body)).toMatchObject({ user });

  await apiClient(login, bearer.token).DELETE('/sessions', { params: { query: { scope: 'all' } } });
  expect((await send(`${asking}/x`, { ...PAGE, ...cookie.headers })).status).toBe(302);
  expect((await send(asking, bearer.headers)).status).toBe(401);
});

test('an outage is 503 in time, and signs nobody out', async () => {
  const { cookie } = await signedIn();
  cloud.faults.set('redis', { kind: 'hang' });
  const startedAtMs = performance.now();
  const { status, headers } = await send(asking, { ...PAGE, ...cookie.headers });
  expect(performance.now() - startedAtMs).toBeLessThan(RESPONSE_DEADLINE_MS);
  expect(status).toBe(503);
  expect(headers['retry-after']).toBe('10');
  cloud.faults.clear();
  expect((await send(asking, { ...PAGE, ...cookie.headers })).status).toBe(200);
});

test('a host that the service does not know is refused by it', async () => {
  const { cookie } = await signedIn();
  const stranger = stack.use(await openExpress({ url: login, origin: 'http://evil.example' })).origin;
  const { status, body } = await send(stranger, cookie.headers);
  expect({ status, code: (JSON.parse(body) as { code: string }).code }).toEqual({
    status: 403,
    code: 'unknown_host',
  });
});

test('what the service signs, header mode believes; for another app it does not', async () => {
  const { user, cookie } = await signedIn();
  const original = { 'X-Forwarded-Method': 'GET', 'X-Forwarded-Proto': 'http', 'X-Forwarded-Uri': '/' };
  const assertionFor = async (host: string) => {
    const question = { ...original, ...cookie.headers, 'X-Forwarded-Host': host };
    const { headers } = await send(`${login}/api/authz/forward-auth`, question);
    return { 'Hoskie-Jwt-Assertion': String(headers['hoskie-jwt-assertion']) };
  };
  const believed = await send(verifying, await assertionFor('app.example.org'));
  expect(JSON.parse(believed.body)).toEqual({ user, sessionId: cookie.sessionId });
  expect((await send(verifying, await assertionFor(new URL(login).host))).status).toBe(401);
  expect((await send(verifying, cookie.headers)).status).toBe(401);
});
