import { describe, expect, test } from 'vitest';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

test.each([
  '/sign-in',
  '/home',
  '/logout',
  '/accounts/login',
  '/accounts/logout',
  '/accounts/password_change',
])('%s leads to the address with a slash; query and method are kept', async (path) => {
  const visitor = environment.worker.visitor();
  const get = await visitor.get(`${path}?next=%2Fhome%2F&x=1`);
  expect([301, 308]).toContain(get.status);
  expect(get.location).toBe(`${path}/?next=%2Fhome%2F&x=1`);
  expect(await visitor.post(path)).toMatchObject({ status: 308, location: `${path}/` });
});

test.each([
  ['GET', '/api/v1/docs/'],
  ['GET', '/api/v1/sessions/'],
  ['DELETE', '/api/v1/sessions/?scope=all'],
  ['DELETE', '/api/v1/sessions/some-id/'],
  ['GET', '/assets/icon.svg/'],
  ['GET', '/healthz/'],
  ['GET', '/home//'],
  ['PATCH', '/api/v1/docs/'],
])('%s %s has a slash too many: 404, whoever asks', async (method, path) => {
  const visitor = environment.worker.visitor();
  expect((await visitor.request(path, { method })).status).toBe(404);
});

test("Django's own addresses lead to ours", async () => {
  const visitor = environment.worker.visitor();
  const login = await visitor.get('/accounts/login/?next=%2Fhome%2F');
  expect([301, 302, 307, 308]).toContain(login.status);
  expect(login.location).toBe('/sign-in/?next=%2Fhome%2F');
  expect((await visitor.get('/accounts/logout/')).location).toBe('/logout/');
  expect([307, 308]).toContain((await visitor.post('/accounts/logout/')).status);
});

test.each(['/accounts/password_change/', '/.well-known/change-password'])(
  '%s leads to the password page, which asks for a sign-in and is then shown',
  async (path) => {
    const visitor = environment.worker.visitor();
    const get = await visitor.get(path);
    expect(get).toMatchObject({ status: 302, location: '/account/password/' });
    expect((await visitor.get(get.location ?? '')).location).toBe('/sign-in/?next=%2Faccount%2Fpassword%2F');
    expect(await visitor.post(path)).toMatchObject({ status: 307, location: '/account/password/' });
  },
);

test.each(['/nowhere/', '/home/x', '/sign-in//', '/SIGN-IN/', '/assets/../../etc/passwd', '/.env', '/%00'])(
  '%s: 404',
  async (path) => {
    const response = await environment.worker.visitor().get(path);
    expect(response.status).toBe(404);
    expect(response.body).toMatch(/^<!DOCTYPE html>/i);
  },
);

describe('plain http', () => {
  test('is redirected to https; address and method are kept', async () => {
    const visitor = environment.worker.visitor({ origin: 'http://login.example.org' });
    const get = await visitor.get('/home/?a=1');
    expect([301, 308]).toContain(get.status);
    expect(get.location).toBe('https://login.example.org/home/?a=1');
    expect(get.setCookies).toEqual([]);
    expect(await visitor.post('/logout/')).toMatchObject({
      status: 308,
      location: 'https://login.example.org/logout/',
    });
    expect((await visitor.get('/healthz')).status).toBe(200);
    for (const path of ['/sign-in', '/nowhere/', '/readyz']) {
      expect((await visitor.get(path)).location, path).toBe(`https://login.example.org${path}`);
    }
  });

  test.each([
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://[::2]',
    'http://127.0.0.2',
  ])('%s is not a local address', async (origin) => {
    expect((await environment.worker.visitor({ origin }).get('/')).location).toBe(
      `${origin.replace('http:', 'https:')}/`,
    );
  });
});
