import { describe, expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { openWorker } from '../support/worker.ts';

const environment = useTestEnvironment({ ALLOWED_REDIRECT_HOSTS: 'app.example.net,dev.example.net:8443' });

test('the form leads to a valid next, and to the default with an invalid one', async () => {
  const user = await addUser(environment.cloud);
  const go = async (next: string) => (await environment.worker.visitor().signIn(user, { next })).location;
  expect(await go('/home/?a=1&b=%20#c')).toBe('/home/?a=1&b=%20#c');
  expect(await go('//evil.example/')).toBe('/home/');
  expect(await go('https://app.example.net/x')).toBe('https://app.example.net/x');
});

test('a protected page leads to the sign-in and back, with its query', async () => {
  const visitor = environment.worker.visitor();
  const { location } = await visitor.get('/home/?a=1&b=2');
  expect(location).toBe('/sign-in/?next=%2Fhome%2F%3Fa%3D1%26b%3D2');
  const page = await visitor.get(location ?? '');
  const { username, password } = await addUser(environment.cloud);
  expect((await visitor.submit(page, { username, password })).location).toBe('/home/?a=1&b=2');
});

test('the sign-in page sends a signed-in visitor on: to next, on this host or an allowed one, or home', async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  expect(await visitor.get('/sign-in/')).toMatchObject({ status: 302, location: '/home/' });
  for (const [next, expected] of [
    ['https://evil.example/', '/home/'],
    ['/', '/'],
    ['/home/', '/home/'],
    ['/home/?a=1', '/home/?a=1'],
    ['/a/../b/', '/b/'],
    ['/größe/?q=ü', '/gr%C3%B6%C3%9Fe/?q=%C3%BC'],
    ['/search?u=https://evil.example/', '/search?u=https://evil.example/'],
    ['https://login.example.org/x?y=1#z', '/x?y=1#z'],
    ['HTTPS://LOGIN.EXAMPLE.ORG/x', '/x'],
    ['https://login.example.org:443/x', '/x'],
    ['https://app.example.net', 'https://app.example.net/'],
    ['https://app.example.net/deep?x=1', 'https://app.example.net/deep?x=1'],
    ['https://dev.example.net:8443/', 'https://dev.example.net:8443/'],
  ] as const) {
    const { status, location } = await visitor.get(`/sign-in/?next=${encodeURIComponent(next)}`);
    expect(status, next).toBe(302);
    // This host's address may be whole or a path.
    expect(location?.replace(/^https:\/\/login\.example\.org/, ''), next).toBe(expected);
  }
});

test('on local http, this origin is http and an allowed host may be', async () => {
  const visitor = environment.worker.visitor({ origin: 'http://localhost:8787' });
  await visitor.signIn(await addUser(environment.cloud));
  const go = async (next: string) =>
    (await visitor.get(`/sign-in/?next=${encodeURIComponent(next)}`)).location;
  expect(await go('http://app.example.net/')).toBe('http://app.example.net/');
  expect(await go('http://localhost:8787/x')).toMatch(/^(?:http:\/\/localhost:8787)?\/x$/);
  expect(await go('http://localhost:9999/x')).toBe('/home/');
  expect(await go('https://localhost:8787/x')).toBe('/home/');
});

test('the defaults are settings', async () => {
  await using worker = await openWorker({
    cloud: environment.cloud,
    bindings: {
      LOGIN_URL: '/accounts/login/',
      LOGIN_REDIRECT_URL: '/welcome/?from=login',
      ACCOUNT_LOGOUT_REDIRECT_URL: 'https://www.example.org/bye',
    },
  });
  const visitor = worker.visitor();
  expect((await visitor.get('/home/')).location).toBe('/accounts/login/?next=%2Fhome%2F');
  expect((await visitor.get('/sign-in/')).status).toBe(404);
  const page = await visitor.get('/accounts/login/');
  expect(page.status).toBe(200);
  const { username, password } = await addUser(environment.cloud);
  const response = await visitor.submit(page, { username, password });
  expect(response).toMatchObject({ status: 303, location: '/welcome/?from=login' });
  expect(await visitor.logOut()).toMatchObject({ status: 303, location: 'https://www.example.org/bye' });
  // Chrome follows a form's redirect only to where form-action allows.
  expect(page.headers.get('Content-Security-Policy')).toMatch(
    /form-action 'self' https:\/\/www\.example\.org/,
  );
});

describe('after a sign-out', () => {
  const signOut = async (next: string) => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const page = await visitor.get(`/logout/?next=${encodeURIComponent(next)}`);
    expect(page.status).toBe(200);
    const answer = await visitor.submit(page);
    expect(await visitor.isSignedIn()).toBe(false);
    return answer;
  };

  test.each([
    ['/goodbye/?a=1&b=%26', '/goodbye/?a=1&b=%26'],
    ['https://app.example.net/bye', 'https://app.example.net/bye'],
    ['https://evil.example/', '/'],
    ['//evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
  ])('the form leads to a safe next, else to the default: %s', async (next, location) => {
    expect(await signOut(next)).toMatchObject({ status: 303, location });
  });

  test('one that is too long keeps nobody from signing out', async () => {
    expect((await signOut(`/${'a'.repeat(2001)}`)).location).toBe('/');
  });

  test('a visitor who is not signed in goes there at once', async () => {
    const visitor = environment.worker.visitor();
    const go = async (next: string) => visitor.get(`/logout/?next=${encodeURIComponent(next)}`);
    expect(await go('https://app.example.net/bye')).toMatchObject({
      status: 302,
      location: 'https://app.example.net/bye',
    });
    expect(await go('https://evil.example/')).toMatchObject({ status: 302, location: '/' });
  });

  test('a form that is out of date asks again and keeps next', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const refused = await visitor.post('/logout/', { next: 'https://app.example.net/bye' });
    expect(refused.status).toBe(403);
    expect((await visitor.submit(refused)).location).toBe('https://app.example.net/bye');
  });

  test('a next in the address counts where the form has none, as in Django', async () => {
    const answer = await environment.worker.visitor().post('/logout/?next=/bye/', {});
    expect(answer).toMatchObject({ status: 303, location: '/bye/' });
  });

  test('a form that can’t be read keeps nobody from signing out', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const form = { method: 'POST', body: 'x', headers: { 'Content-Type': 'multipart/form-data' } };
    const csrfToken = (await visitor.cookie('csrftoken')) ?? '';
    const answer = await visitor.request('/logout/', {
      ...form,
      headers: { ...form.headers, 'X-CSRFToken': csrfToken },
    });
    expect(answer.status).toBe(303);
    expect(await visitor.cookie('sessionid')).toBeUndefined();
    expect((await environment.worker.visitor().request('/logout/', form)).status).toBe(303);
  });

  test('no session, no token: the same', async () => {
    const answer = await environment.worker.visitor().post('/logout/', { next: '/goodbye/' });
    expect(answer).toMatchObject({ status: 303, location: '/goodbye/' });
  });
});
