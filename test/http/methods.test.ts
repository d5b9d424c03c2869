import { expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { ORIGIN } from '../support/visitor.ts';

const siege = useSiege();

test.each([
  ['/', 'POST', 'GET'],
  ['/home/', 'POST', 'GET'],
  ['/sign-in/', 'PUT', 'GET, POST'],
  ['/logout/', 'DELETE', 'GET, POST'],
  ['/logout/', 'PATCH', 'GET, POST'],
  ['/healthz', 'POST', 'GET'],
  ['/readyz', 'POST', 'GET'],
])('%s refuses %s and lists its methods', async (path, method, methods) => {
  const response = await siege.visitor().request(path, { method });
  expect(response.status).toBe(405);
  const allowed = (response.headers.get('Allow') ?? '').split(/,\s*/).filter((each) => each !== 'HEAD');
  expect(allowed.sort().join(', ')).toBe(methods);
});

test('HEAD is a GET without a body', async () => {
  for (const path of ['/', '/sign-in/', '/healthz', '/readyz']) {
    const response = await siege.visitor().request(path, { method: 'HEAD' });
    expect(response, path).toMatchObject({ status: 200, body: '' });
  }
});

const PAGES = [
  '/',
  '/home/',
  '/sign-in/',
  '/logout/',
  '/sessions/',
  '/sessions/revoke/',
  '/account/password/',
];
const OTHERS = [
  '/healthz',
  '/readyz',
  '/accounts/login/',
  '/api/v1/sessions',
  '/api/v1/password',
  '/nowhere/',
];

test.each(['TRACE', 'TRACK', 'PROPFIND', 'LINK', 'FOO', 'get', 'GET2', 'PRI'])(
  '%s, raw: no page, no echo of the request, and nothing changes',
  async (method) => {
    const { token, visitor } = await siege.seedVisitor();
    const before = await siege.counts();
    const origin = siege.worker.localOrigin;
    for (const path of [...PAGES, ...OTHERS]) {
      const lines = [`Cookie: sessionid=${token}`, 'X-Echo: tell-tale'];
      const response = await sendRaw(origin, rawRequest(origin, method, path, lines));
      expect([400, 403, 404, 405, 501], `${method} ${path}`).toContain(response.status);
      expect(response.body).not.toMatch(/tell-tale|Hello, /);
      expect(response.body).not.toContain(token);
    }
    expect(await siege.counts()).toEqual(before);
    expect(await visitor.isSignedIn()).toBe(true);
  },
);

test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])('%s changes nothing on a page', async (method) => {
  const { token, visitor } = await siege.seedVisitor();
  const csrf = (await visitor.cookie('csrftoken')) ?? '';
  const before = await siege.counts();
  for (const path of PAGES) {
    const response = await siege.fetch(ORIGIN + path, {
      method,
      headers: { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf, Origin: ORIGIN },
    });
    expect(response.status, path).toBe(405);
    expect(response.headers.get('Allow')).toMatch(/^[A-Z]+(?:, [A-Z]+)*$/);
    expect(response.headers.getSetCookie()).toEqual([]);
  }
  expect(await siege.counts()).toEqual(before);
});

test('a preflight from another site is not allowed', async () => {
  for (const path of ['/sign-in/', '/logout/', '/api/v1/sessions', '/api/v1/sessions/current']) {
    const response = await siege.fetch(ORIGIN + path, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://evil.example',
        'Access-Control-Request-Method': 'DELETE',
        'Access-Control-Request-Headers': 'authorization, x-csrftoken',
      },
    });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('HEAD and GET change nothing where other methods do', async () => {
  const { token, visitor, session } = await siege.seedVisitor();
  const csrf = (await visitor.cookie('csrftoken')) ?? '';
  const before = await siege.counts();
  for (const method of ['HEAD', 'GET']) {
    for (const path of [
      ...[
        '/logout/',
        '/logout/?confirm=1',
        '/sessions/revoke/?scope=all',
        `/sessions/revoke/?id=${session.id}`,
      ],
      ...['/api/v1/sessions?scope=all', `/api/v1/sessions/${session.id}`, '/accounts/logout/'],
    ]) {
      await siege.fetch(`${ORIGIN}${path}`, {
        method,
        headers: { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf, Origin: ORIGIN },
      });
    }
  }
  expect(await siege.counts()).toEqual(before);
  expect(await visitor.isSignedIn()).toBe(true);
});

testAftermath(siege);
