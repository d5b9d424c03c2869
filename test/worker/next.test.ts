import { expect, test } from 'vitest';
import { addUser, type TestUser } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { openWorker } from '../support/worker.ts';

const stage = useStage({ ALLOWED_REDIRECT_HOSTS: 'app.example.net,dev.example.net:8443' });

/** Where a signed-in visitor is sent, which is judged like the sign-in itself, without the work of a password. */
async function sentTo(user: TestUser, nexts: readonly string[], worker = stage.worker) {
  const visitor = worker.visitor();
  await visitor.signIn(user);
  const places: Record<string, string | null> = {};
  for (const next of nexts) {
    places[next] = (await visitor.get(`/sign-in/?next=${encodeURIComponent(next)}`)).location;
  }
  return places;
}

test('the form leads to a good next, and to the default with a bad one', async () => {
  const user = await addUser(stage.cloud);
  const go = async (next: string) => (await stage.worker.visitor().signIn(user, { next })).location;
  expect(await go('/home/?a=1&b=%20#c')).toBe('/home/?a=1&b=%20#c');
  expect(await go('//evil.example/')).toBe('/home/');
  expect(await go('https://app.example.net/x')).toBe('https://app.example.net/x');
});

test('a protected page comes back, with its query', async () => {
  const visitor = stage.worker.visitor();
  const { location } = await visitor.get('/home/?a=1&b=2');
  expect(location).toBe('/sign-in/?next=%2Fhome%2F%3Fa%3D1%26b%3D2');
  const page = await visitor.get(location ?? '');
  const { username, password } = await addUser(stage.cloud);
  expect((await visitor.submit(page, { username, password })).location).toBe('/home/?a=1&b=2');
});

test('good ones', async () => {
  const places = {
    '/': '/',
    '/home/': '/home/',
    '/a/../b/': '/b/',
    '/größe/?q=ü': '/gr%C3%B6%C3%9Fe/?q=%C3%BC',
    '/search?u=https://evil.example/': '/search?u=https://evil.example/',
    'https://login.example.org/x?y=1#z': '/x?y=1#z',
    'HTTPS://LOGIN.EXAMPLE.ORG/x': '/x',
    'https://login.example.org:443/x': '/x',
    'https://app.example.net': 'https://app.example.net/',
    'https://app.example.net/deep?x=1': 'https://app.example.net/deep?x=1',
    'https://dev.example.net:8443/': 'https://dev.example.net:8443/',
  };
  const found = await sentTo(await addUser(stage.cloud), Object.keys(places));
  // The own address may be written whole or as a path.
  for (const [next, place] of Object.entries(found)) {
    found[next] = place?.replace(/^https:\/\/login\.example\.org/, '') ?? null;
  }
  expect(found).toEqual(places);
});

const HOSTILE = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\\/evil.example',
  '/..//evil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  '/%2e%2e//evil.example',
  '/%2E//evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/home/\r\nSet-Cookie: a=b',
  '/home/\u0000',
  '/home/\u0085',
  ' //evil.example',
  '\t//evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'http:/\\evil.example',
  'https://evil.example',
  'https://evil.example\\@login.example.org/',
  'https://login.example.org@evil.example/',
  'https://user@login.example.org/',
  'https://login.example.org.evil.example/',
  'https://evillogin.example.org/',
  'https://login.example.org:8443/',
  'http://login.example.org/',
  'https://login.example.org//evil.example',
  'https://login.example.org/..//evil.example',
  'https://app.example.net:8443/',
  'http://app.example.net/',
  'https://dev.example.net/',
  'https://x.app.example.net/',
  'https://app.example.net@evil.example/',
  '//app.example.net\\@evil.example/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  'ftp://login.example.org/',
  'blob:https://login.example.org/x',
  'home/',
  '?x=1',
  '#x',
  '',
];

test('hostile ones all lead to the default', async () => {
  const found = await sentTo(await addUser(stage.cloud), HOSTILE);
  const elsewhere = Object.entries(found).filter(([, place]) => place !== '/home/');
  expect(elsewhere).toEqual([]);
});

test('on local http an allowed host may be http too, and this origin is http', async () => {
  const visitor = stage.worker.visitor({ origin: 'http://localhost:8787' });
  await visitor.signIn(await addUser(stage.cloud));
  const go = async (next: string) =>
    (await visitor.get(`/sign-in/?next=${encodeURIComponent(next)}`)).location;
  expect(await go('http://app.example.net/')).toBe('http://app.example.net/');
  expect(await go('http://localhost:8787/x')).toMatch(/^(?:http:\/\/localhost:8787)?\/x$/);
  expect(await go('http://localhost:9999/x')).toBe('/home/');
  expect(await go('https://localhost:8787/x')).toBe('/home/');
});

test('the defaults are settings', async () => {
  await using worker = await openWorker({
    cloud: stage.cloud,
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
  const { username, password } = await addUser(stage.cloud);
  const answer = await visitor.submit(page, { username, password });
  expect(answer).toMatchObject({ status: 303, location: '/welcome/?from=login' });
  expect(await visitor.logOut()).toMatchObject({ status: 303, location: 'https://www.example.org/bye' });
  // Chrome follows a form's redirect only where form-action names the place.
  expect(page.headers.get('Content-Security-Policy')).toMatch(
    /form-action 'self' https:\/\/www\.example\.org/,
  );
});
