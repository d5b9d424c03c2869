import { describe, expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const SPA = 'https://spa.example.org';
const READER = 'https://reader.example.com';
const environment = useTestEnvironment({
  CORS_ORIGINS: `${SPA},${READER}`,
  CSRF_TRUSTED_ORIGINS: `${SPA},https://forms.example.org`,
});

const corsHeaders = (headers: { forEach: (each: (value: string, name: string) => void) => void }) => {
  const found: Record<string, string> = {};
  headers.forEach((value, name) => {
    if (name.startsWith('access-control-')) found[name] = value;
  });
  return found;
};

const call = (
  path: string,
  origin: string | undefined,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
) =>
  environment.worker.fetch(`${ORIGIN}/api/v1${path}`, {
    ...init,
    headers: { ...(origin === undefined ? {} : { Origin: origin }), ...init.headers },
  });

describe.each([SPA, READER])('a script of %s', (origin) => {
  test.each([
    ['a response', '/openapi.json', {}, 200],
    ['a refusal', '/sessions/current', {}, 401],
    ['an unknown address', '/nothing', {}, 404],
    ['a wrong method', '/openapi.json', { method: 'DELETE' }, 405],
    ['another content type', '/sessions', { method: 'POST', body: 'a=b' }, 415],
    ['too large a body', '/sessions', { method: 'POST', body: 'x'.repeat(70_000) }, 413],
  ])('may read %s', async (_, path, init, status) => {
    const response = await call(path, origin, init);
    expect(response.status).toBe(status);
    expect(corsHeaders(response.headers)).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'X-CSRFToken,Retry-After,X-Request-Id',
    });
    expect(response.headers.get('Vary')).toContain('Origin');
  });

  test('may read an outage', async () => {
    const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
    });
    environment.cloud.faults.set('redis', { kind: 'refuse' });
    const response = await call('/sessions/current', origin, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(503);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin);
  });

  test('gets its preflight answered', async () => {
    const response = await call('/password', origin, {
      method: 'OPTIONS',
      headers: {
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    expect(response.status).toBe(204);
    const headers = corsHeaders(response.headers);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET,POST,PUT,DELETE',
    });
    expect(headers['access-control-allow-headers']?.toLowerCase().split(',')).toEqual([
      'authorization',
      'content-type',
      'x-csrftoken',
    ]);
  });
});

test.each([
  'https://evil.example',
  'null',
  `${SPA}.evil.example`,
  'http://spa.example.org',
  'https://forms.example.org',
])('a script of %s gets no header, and its preflight is refused', async (origin) => {
  for (const init of [{}, { method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'GET' } }]) {
    const response = await call('/sessions/current', origin, init);
    expect(response.status).toBe('method' in init ? 405 : 401);
    expect(corsHeaders(response.headers)).toEqual({});
    expect(response.headers.get('Vary')).toContain('Origin');
  }
});

test('pages have none of it', async () => {
  const response = await environment.worker.fetch(`${ORIGIN}/sign-in/`, { headers: { Origin: SPA } });
  expect(corsHeaders(response.headers)).toEqual({});
});

describe('the CSRF token of a session in a cookie', () => {
  test('comes with "who am I" for an origin that may post as well, and works', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const who = await visitor.get('/api/v1/sessions/current', { Origin: SPA, 'Sec-Fetch-Site': 'same-site' });
    const csrfToken = who.headers.get('X-CSRFToken');
    expect(csrfToken).not.toBeNull();
    const signOut = (headers: Record<string, string>) =>
      visitor.request('/api/v1/sessions/current', { method: 'DELETE', headers: { Origin: SPA, ...headers } });
    expect((await signOut({})).status).toBe(403);
    expect((await signOut({ 'X-CSRFToken': csrfToken ?? '' })).status).toBe(200);
    expect(await visitor.isSignedIn()).toBe(false);
  });

  test.each([READER, 'https://forms.example.org', 'https://evil.example', undefined])(
    'does not come for %s',
    async (origin) => {
      const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
      const who = await visitor.get('/api/v1/sessions/current', { Origin: origin });
      expect(who.status).toBe(200);
      expect(who.headers.get('X-CSRFToken')).toBeNull();
    },
  );

  test('a bearer has none', async () => {
    const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
    });
    const response = await call('/sessions/current', SPA, { headers: { Authorization: `Bearer ${token}` } });
    expect(response.headers.get('X-CSRFToken')).toBeNull();
  });
});
