import { expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

test.each([
  ['/', 'POST', 'GET'],
  ['/home/', 'POST', 'GET'],
  ['/sign-in/', 'PUT', 'GET, POST'],
  ['/logout/', 'DELETE', 'GET, POST'],
  ['/logout/', 'PATCH', 'GET, POST'],
  ['/healthz', 'POST', 'GET'],
  ['/readyz', 'POST', 'GET'],
])('%s refuses %s and lists its methods', async (path, method, methods) => {
  const response = await environment.visitor().request(path, { method });
  expect(response.status).toBe(405);
  const allowed = (response.headers.get('Allow') ?? '').split(/,\s*/).filter((each) => each !== 'HEAD');
  expect(allowed.sort().join(', ')).toBe(methods);
});

test('HEAD is a GET without a body', async () => {
  for (const path of ['/', '/sign-in/', '/healthz', '/readyz']) {
    const response = await environment.visitor().request(path, { method: 'HEAD' });
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
    const { token, visitor } = await environment.seedVisitor();
    const before = await environment.counts();
    const origin = environment.worker.localOrigin;
    for (const path of [...PAGES, ...OTHERS]) {
      const lines = [`Cookie: sessionid=${token}`, 'X-Echo: tell-tale'];
      const response = await sendRaw(origin, rawRequest(origin, method, path, lines));
      expect([400, 403, 404, 405, 501], `${method} ${path}`).toContain(response.status);
      expect(response.body).not.toMatch(/tell-tale|Hello, /);
      expect(response.body).not.toContain(token);
    }
    expect(await environment.counts()).toEqual(before);
    expect(await visitor.isSignedIn()).toBe(true);
  },
);

test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])('%s changes nothing on a page', async (method) => {
  const { token, visitor } = await environment.seedVisitor();
  const csrf = (await visitor.cookie('csrftoken')) ?? '';
  const before = await environment.counts();
  for (const path of PAGES) {
    const response = await environment.fetch(ORIGIN + path, {
      method,
      headers: { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf, Origin: ORIGIN },
    });
    expect(response.status, path).toBe(405);
    expect(response.headers.get('Allow')).toMatch(/^[A-Z]+(?:, [A-Z]+)*$/);
    expect(response.headers.getSetCookie()).toEqual([]);
  }
  expect(await environment.counts()).toEqual(before);
});

test('a preflight from another site is not allowed', async () => {
  for (const path of ['/sign-in/', '/logout/', '/api/v1/sessions', '/api/v1/sessions/current']) {
    const response = await environment.fetch(ORIGIN + path, {
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
  const { token, visitor, session } = await environment.seedVisitor();
  const csrf = (await visitor.cookie('csrftoken')) ?? '';
  const before = await environment.counts();
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
      await environment.fetch(`${ORIGIN}${path}`, {
        method,
        headers: { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf, Origin: ORIGIN },
      });
    }
  }
  expect(await environment.counts()).toEqual(before);
  expect(await visitor.isSignedIn()).toBe(true);
});

testAftermath(environment);
