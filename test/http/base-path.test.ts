import { describe, expect, test } from 'vitest';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { addUser } from '../support/people.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useTestEnvironment({
  BASE_PATH: '/auth/',
  PUBLIC_URL: ORIGIN,
  ASSERTION_KEYS: toKeySet([newSigningKey()]),
});

const PAGES = ['/', '/sign-in/', '/home/', '/logout/', '/sessions/', '/account/password/'];

async function signedIn() {
  const user = await addUser(environment.cloud);
  const { visitor, token } = await seedVisitor(environment, user);
  return { user, visitor, token };
}

test('signing in and out stays below the base path, and then goes where the settings say', async () => {
  const { username, password } = await addUser(environment.cloud);
  const visitor = environment.worker.visitor();
  const protectedPage = await visitor.get('/auth/home/?a=1');
  expect(protectedPage.location).toBe('/auth/sign-in/?next=%2Fauth%2Fhome%2F%3Fa%3D1');
  const form = await visitor.get(protectedPage.location ?? '');
  expect((await visitor.submit(form, { username, password })).location).toBe('/auth/home/?a=1');
  const signedOut = await visitor.submit(await visitor.get('/auth/home/'));
  // A path of the host, whose other paths are the app's.
  expect([signedOut.status, signedOut.location]).toEqual([303, '/']);
  const again = await visitor.submit(await visitor.get('/auth/sign-in/'), { username, password });
  expect(again.location).toBe('/home/');
});

test.each(PAGES)('every address on %s leads below the base path', async (page) => {
  const { visitor } = await signedIn();
  const anonymous = environment.worker.visitor();
  for (const { body } of [await visitor.get(`/auth${page}`), await anonymous.get(`/auth${page}`)]) {
    const addresses = [...body.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.filter((address) => address?.startsWith('/auth/') !== true)).toEqual([]);
  }
});

test('the stylesheet and the icon of a page are there', async () => {
  const { visitor } = await signedIn();
  const { body } = await visitor.get('/auth/home/');
  for (const [, address = ''] of body.matchAll(/<link [^>]*href="([^"]*)"/g))
    expect((await visitor.get(address)).status, address).toBe(200);
});

test.each([
  ['/auth', 308, '/auth/'],
  ['/auth/sessions', 308, '/auth/sessions/'],
  ['/auth/accounts/login/?next=/x', 302, '/auth/sign-in/?next=/x'],
  ['/auth/accounts/logout/', 302, '/auth/logout/'],
  ['/auth/accounts/password_change/', 302, '/auth/account/password/'],
  ['/.well-known/change-password', 302, '/auth/account/password/'],
])('%s leads to its page', async (path, status, location) => {
  const answer = await environment.worker.visitor().get(path);
  expect([answer.status, answer.location]).toEqual([status, location]);
});

test('nothing is left where the pages would be without it; API and health don’t move', async () => {
  const { visitor } = await signedIn();
  for (const page of [...PAGES, '/assets/icon.svg']) expect((await visitor.get(page)).status, page).toBe(404);
  for (const path of ['/api/v1/sessions/current', '/healthz', '/readyz', '/.well-known/jwks.json'])
    expect((await visitor.get(path)).status, path).toBe(200);
});

test('buttons work: a device signed out, a password changed', async () => {
  const { user, visitor } = await signedIn();
  const changed = await visitor.submit(await visitor.get('/auth/account/password/'), {
    current_password: user.password,
    new_password: 'a wholly different phrase',
    confirm_password: 'a wholly different phrase',
  });
  expect(changed.location).toBe('/auth/sessions/?done=password');
  const revoked = await visitor.submit(await visitor.get('/auth/sessions/'));
  expect(revoked.status).toBe(303);
});

describe('forward authentication on the app’s own host', () => {
  const ask = (uri: string) => {
    const { localOrigin } = environment.worker;
    const lines = [
      ...['X-Forwarded-Proto: https', `X-Forwarded-Host: ${new URL(ORIGIN).host}`, `X-Forwarded-Uri: ${uri}`],
      'Sec-Fetch-Mode: navigate',
    ];
    return sendRaw(localOrigin, rawRequest(localOrigin, 'GET', '/api/authz/forward-auth', lines));
  };

  test('a page of the app leads to the sign-in page and back by its path', async () => {
    const response = await ask('/home/?a=1');
    expect(response.headers.get('Location')).toBe(`${ORIGIN}/auth/sign-in/?next=%2Fhome%2F%3Fa%3D1`);
  });

  test.each(['/auth/sign-in/', '/auth/sign-in', '/auth/', '/auth'])('our own page %s: 401', async (page) => {
    expect((await ask(page)).status).toBe(401);
  });
});
