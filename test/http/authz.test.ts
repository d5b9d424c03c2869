import { describe, expect, test } from 'vitest';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import type { SigningKey, VerificationKey } from '../../src/lib/signing-keys.ts';
import { verifiedAssertion } from '../support/assertion.ts';
import { addUser } from '../support/people.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

const KEY = newSigningKey();
const APP = 'https://app.example.org';
const environment = useTestEnvironment({
  PUBLIC_URL: ORIGIN,
  ASSERTION_KEYS: toKeySet([KEY]),
  ALLOWED_REDIRECT_HOSTS: 'app.example.org,dev.example.org:8443',
});

interface Original {
  method?: string;
  proto?: string;
  host?: string;
  uri?: string;
}

/** The headers with which a proxy asks about a request. */
const asked = {
  '/api/authz/forward-auth': ({
    method = 'GET',
    proto = 'https',
    host = 'app.example.org',
    uri = '/',
  }: Original) => ({
    'X-Forwarded-Method': method,
    'X-Forwarded-Proto': proto,
    'X-Forwarded-Host': host,
    'X-Forwarded-Uri': uri,
  }),
  '/api/authz/auth-request': ({
    method = 'GET',
    proto = 'https',
    host = 'app.example.org',
    uri = '/',
  }: Original) => ({
    'X-Original-Method': method,
    'X-Original-URL': `${proto}://${host}${uri}`,
  }),
};
const PATHS = Object.keys(asked) as (keyof typeof asked)[];
const [FORWARD_AUTH, AUTH_REQUEST] = ['/api/authz/forward-auth', '/api/authz/auth-request'] as const;
const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };

/** Sent as it stands: a fetch would say `Sec-Fetch-Mode: cors` by itself. */
const ask = (
  path: keyof typeof asked,
  original: Original = {},
  headers: Record<string, string> = {},
  { method = 'GET', body = '' } = {},
) => {
  const { localOrigin } = environment.worker;
  const lines = Object.entries({ ...asked[path](original), ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return sendRaw(localOrigin, rawRequest(localOrigin, method, path, lines, body));
};

const signInUrl = (next: string): string => `${ORIGIN}/sign-in/?next=${encodeURIComponent(next)}`;

async function signedIn(username?: string) {
  const user = await addUser(environment.cloud, username === undefined ? {} : { username });
  const { token, session } = await seedSession(environment.cloud, user, { kind: 'cookie' });
  return { user, session, headers: { Cookie: `sessionid=${token}` } };
}

describe.each(PATHS)('%s, signed in', (path) => {
  test('says who it is, in all three headers, without a body', async () => {
    const { user, session, headers } = await signedIn();
    const response = await ask(path, { uri: '/x/?a=1&b=2%26c' }, headers);
    expect(response.status).toBe(200);
    expect(response.body).toBe('');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(response.headers.get('Remote-User')).toBe(user.username);
    expect(response.headers.get('Remote-User-Id')).toBe(user.id);
    const { header, claims } = await verifiedAssertion(response.headers.get('Hoskie-Jwt-Assertion'), [KEY]);
    expect(header).toEqual({ alg: 'ES256', typ: 'JWT', kid: KEY.kid });
    const issuedAt = Number(claims['iat']);
    expect(Math.abs(issuedAt - Date.now() / 1000)).toBeLessThan(30);
    expect(claims).toEqual({
      iss: ORIGIN,
      aud: APP,
      sub: user.id,
      preferred_username: user.username,
      sid: session.id,
      iat: issuedAt,
      exp: issuedAt + 300,
    });
  });

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    '%s, by bearer, whatever the body',
    async (method) => {
      const user = await addUser(environment.cloud);
      const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
      const body = method === 'GET' ? {} : { body: 'x'.repeat(200_000) };
      const response = await ask(path, { method }, { Authorization: `Bearer ${token}` }, { method, ...body });
      expect(response.status).toBe(200);
      expect(response.headers.get('Remote-User-Id')).toBe(user.id);
    },
  );

  test.each(['/?p=C:\\x', '//a', `/?${'q'.repeat(2500)}`, '/a%20b', '/%', '/?%0d%0aSet-Cookie:x'])(
    'any address of the app is allowed: %.20s',
    async (uri) => {
      const { headers } = await signedIn();
      expect((await ask(path, { uri }, headers)).status).toBe(200);
    },
  );

  test('a name of any characters fits into the headers, and is exact in the assertion', async () => {
    const username = (path === FORWARD_AUTH ? '😀' : '🐕').repeat(150);
    const { headers } = await signedIn(username);
    const response = await ask(path, {}, headers);
    const size = [...response.headers].reduce(
      (sum, [name, value]) => sum + name.length + value.length + 4,
      0,
    );
    expect(size).toBeLessThan(4096);
    expect(response.headers.get('Remote-User')).toBe(encodeURIComponent(username));
    const assertion = response.headers.get('Hoskie-Jwt-Assertion');
    expect((await verifiedAssertion(assertion, [KEY])).claims['preferred_username']).toBe(username);
  });

  test('a percent sign and a space in a name are encoded, other visible characters are not', async () => {
    const { headers } = await signedIn(`100% "o'B" é${Date.now()}`);
    const name = (await ask(path, {}, headers)).headers.get('Remote-User');
    expect(name).toMatch(/^100%25%20"o'B"%20%C3%A9\d+$/);
  });

  test('the client’s own headers of these names change nothing', async () => {
    const { user, headers } = await signedIn();
    const response = await ask(
      path,
      {},
      { ...headers, 'Remote-User': 'admin', 'Remote-User-Id': '1', 'Hoskie-Jwt-Assertion': 'x' },
    );
    expect(response.headers.get('Remote-User')).toBe(user.username);
  });

  test('has no page headers: nginx reads 4 kB', async () => {
    const { headers } = await signedIn();
    const response = await ask(path, {}, headers);
    for (const name of ['Content-Security-Policy', 'X-Frame-Options', 'Set-Cookie'])
      expect(response.headers.has(name), name).toBe(false);
  });
});

describe.each(PATHS)('%s, refused', (path) => {
  test.each([
    'evil.example',
    'app.example.org.evil.example',
    'app.example.org:444',
    'x@app.example.org',
    'evil.example/@app.example.org',
  ])('an app that isn’t behind us: %s', async (host) => {
    const { headers } = await signedIn();
    const response = await ask(path, { host }, headers);
    expect(response.status).toBe(403);
    expect(response.body).toContain('"code":"unknown_host"');
    expect(response.headers.get('Remote-User')).toBeNull();
  });

  test('without the address of the original request: 400, which names the headers', async () => {
    const { headers } = await signedIn();
    for (const address of [
      {},
      { 'X-Original-URL': '/x', 'X-Forwarded-Uri': '/x' },
      { 'X-Original-URL': 'javascript:x' },
    ]) {
      const response = await environment.worker.fetch(ORIGIN + path, { headers: { ...headers, ...address } });
      expect(response.status).toBe(400);
      expect(((await response.json()) as { detail: string }).detail).toContain('X-Original-URL');
    }
  });

  test.each(['refuse', 'hang'] as const)('an outage (%s) is 503, never "signed out"', async (kind) => {
    const { headers } = await signedIn();
    environment.cloud.faults.set('redis', { kind });
    const startedAtMs = performance.now();
    const response = await ask(path, {}, { ...headers, ...PAGE });
    expect(performance.now() - startedAtMs).toBeLessThan(5000);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(response.headers.get('Location')).toBeNull();
    expect(response.headers.getSetCookie()).toEqual([]);
    environment.cloud.faults.clear();
    expect((await ask(path, {}, headers)).status).toBe(200);
  });
});

describe('forward-auth, signed out', () => {
  const uri = '/x/?a=1&b=2%26c';

  test.each([
    ['GET', PAGE, 302],
    ['HEAD', PAGE, 302],
    ['GET', { Accept: 'text/html,*/*;q=0.8' }, 302],
  ])('a page: %s %o leads to the sign-in page and back', async (method, headers, status) => {
    const response = await ask(FORWARD_AUTH, { method, uri }, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get('Location')).toBe(signInUrl(APP + uri));
  });

  test.each([
    [`${APP}/form/?a=1`, `${APP}/form/?a=1`],
    ['https://evil.example/', `${APP}/`],
    [`${APP}/${'a'.repeat(2100)}`, `${APP}/`],
    [undefined, `${APP}/`],
  ])('a form on %.30s: 303, back to %s', async (referer, next) => {
    const headers = referer === undefined ? PAGE : { ...PAGE, Referer: referer };
    const response = await ask(FORWARD_AUTH, { method: 'POST', uri }, headers, {
      method: 'POST',
      body: 'a=b',
    });
    expect(response.status).toBe(303);
    expect(response.headers.get('Location')).toBe(signInUrl(next));
  });

  test.each([
    [{ 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' }],
    [{ 'Sec-Fetch-Mode': 'websocket', Accept: 'text/html' }],
    [{ Upgrade: 'websocket', Accept: 'text/html' }],
    [{ Accept: 'application/json' }],
    [{}],
  ])('all else, such as %o: 401', async (headers) => {
    const response = await ask(FORWARD_AUTH, { uri }, headers);
    expect(response.status).toBe(401);
    expect(response.headers.get('Location')).toBeNull();
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(response.body).toContain('"code":"not_signed_in"');
  });

  test.each([
    ['/?p=C:\\x', `${APP}/`],
    ['//a', `${APP}/`],
    [`/?${'q'.repeat(2500)}`, `${APP}/`],
  ])('what can’t be a next leads back to the root: %.20s', async (path, next) => {
    const response = await ask(FORWARD_AUTH, { uri: path }, PAGE);
    expect(response.headers.get('Location')).toBe(signInUrl(next));
  });

  test('behind a proxy that calls it by http, the app is on https as we are', async () => {
    const response = await ask(FORWARD_AUTH, { proto: 'http', uri }, PAGE);
    expect(response.headers.get('Location')).toBe(signInUrl(APP + uri));
    const { headers } = await signedIn();
    const assertion = (await ask(FORWARD_AUTH, { proto: 'http' }, headers)).headers.get(
      'Hoskie-Jwt-Assertion',
    );
    expect((await verifiedAssertion(assertion, [KEY])).claims['aud']).toBe(APP);
  });

  test.each(['/sign-in/', '/sign-in', '/logout/?next=/', '/.well-known/change-password', '/'])(
    'our own page %s: 401, never a loop',
    async (own) => {
      const response = await ask(FORWARD_AUTH, { host: 'login.example.org', uri: own }, PAGE);
      expect(response.status).toBe(401);
    },
  );

  test('another path of our own host leads back by its path', async () => {
    const response = await ask(FORWARD_AUTH, { host: 'login.example.org', uri: '/app/' }, PAGE);
    expect(response.headers.get('Location')).toBe(signInUrl('/app/'));
  });
});

test('auth-request, signed out: always 401, with the address of the sign-in page', async () => {
  for (const headers of [PAGE, { 'Sec-Fetch-Mode': 'cors' }, {}]) {
    const response = await ask(AUTH_REQUEST, { uri: '/x/?a=1&b=2%26c' }, headers);
    expect(response.status).toBe(401);
    expect(response.headers.get('Location')).toBe(signInUrl(`${APP}/x/?a=1&b=2%26c`));
  }
});

test('the next request after a sign-out is signed out', async () => {
  const user = await addUser(environment.cloud);
  const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const headers = { Authorization: `Bearer ${token}` };
  expect((await ask(FORWARD_AUTH, {}, headers)).status).toBe(200);
  await environment.worker.fetch(`${ORIGIN}/api/v1/sessions/current`, { method: 'DELETE', headers });
  expect((await ask(FORWARD_AUTH, {}, headers)).status).toBe(401);
});

test.each(['HEAD', 'PROPFIND'])('a question by %s is one as well', async (method) => {
  const { user, headers } = await signedIn();
  const response = await ask(FORWARD_AUTH, {}, headers, { method });
  expect(response.status).toBe(200);
  expect(response.headers.get('Remote-User-Id')).toBe(user.id);
});

test.each([
  ['http', 'app.example.org:443'],
  ['https', 'app.example.org:443'],
  ['http', 'APP.example.org'],
])('%s and %s are the app too: the port of https, or none', async (proto, host) => {
  const { headers } = await signedIn();
  const assertion = (await ask(FORWARD_AUTH, { proto, host }, headers)).headers.get('Hoskie-Jwt-Assertion');
  expect((await verifiedAssertion(assertion, [KEY])).claims['aud']).toBe(APP);
});

test('plain http leads to https, here as well', async () => {
  const response = await environment.worker.fetch(`http://internal.example.net${FORWARD_AUTH}`);
  expect(response.status).toBe(308);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
});

test('the log has the host that is not allowed', async () => {
  await ask(FORWARD_AUTH, { host: 'new-app.example.org' });
  await expect.poll(() => environment.worker.logs.join('\n')).toContain('"host":"new-app.example.org"');
});

describe('the published keys', () => {
  test('the first one signs; what the old one signed stays good while it is published', async () => {
    const [old, next] = [newSigningKey(), newSigningKey()];
    const { headers } = await signedIn();
    const sign = async (...keys: SigningKey[]) => {
      const bindings = { PUBLIC_URL: ORIGIN, ASSERTION_KEYS: toKeySet(keys) };
      await using worker = await openWorker({ cloud: environment.cloud, bindings });
      const asking = { ...asked[AUTH_REQUEST]({ host: 'login.example.org', uri: '/app/' }), ...headers };
      const response = await worker.fetch(ORIGIN + AUTH_REQUEST, { headers: asking });
      const published = await worker.fetch(`${ORIGIN}/.well-known/jwks.json`);
      const { keys: set } = (await published.json()) as { keys: VerificationKey[] };
      return { assertion: response.headers.get('Hoskie-Jwt-Assertion'), set };
    };
    const before = await sign(old);
    const after = await sign(next, old);
    expect((await verifiedAssertion(after.assertion, after.set)).header['kid']).toBe(next.kid);
    expect((await verifiedAssertion(before.assertion, after.set)).header['kid']).toBe(old.kid);
  });

  test('are public, all of them, and may be kept for five minutes', async () => {
    const keys = [newSigningKey(), newSigningKey()];
    const bindings = { PUBLIC_URL: ORIGIN, ASSERTION_KEYS: toKeySet(keys) };
    await using worker = await openWorker({ cloud: environment.cloud, bindings });
    const response = await worker.fetch(`${ORIGIN}/.well-known/jwks.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=300');
    const published = keys.map(({ kty, crv, x, y, kid }) => ({
      kty,
      crv,
      x,
      y,
      kid,
      alg: 'ES256',
      use: 'sig',
    }));
    expect(await response.json()).toEqual({ keys: published });
  });

  test.each([
    ['no key', { PUBLIC_URL: ORIGIN }],
    ['no public address', { ASSERTION_KEYS: toKeySet([KEY]) }],
  ])('%s: none of these routes exists', async (_, bindings) => {
    await using worker = await openWorker({ cloud: environment.cloud, bindings });
    for (const path of [...PATHS, '/.well-known/jwks.json'])
      expect((await worker.fetch(ORIGIN + path)).status, path).toBe(404);
  });
});
