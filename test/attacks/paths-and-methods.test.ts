import { describe, expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { expectHarmless, testAftermath, useSiege } from '../support/siege.ts';
import { ORIGIN } from '../support/visitor.ts';

const siege = useSiege();

const PROTECTED = ['/home/', '/sessions/', '/account/password/'];

/** Ways to write a path so that a guard and a router may read it differently. */
const TRICKS: ((path: string) => string)[] = [
  (path) => `/${path}`,
  (path) => `//${path}`,
  (path) => path.replace(/\/$/, '//'),
  (path) => `${path}../${path.slice(1)}`,
  (path) => `/x/..${path}`,
  (path) => `/./${path.slice(1)}`,
  (path) => `/.//${path}`,
  (path) => `/..${path}`,
  (path) => `/..;${path}`,
  (path) => `${path};x`,
  (path) => `${path};x=y/`,
  (path) => path.replace(/\/$/, ';/'),
  (path) => `${path}.`,
  (path) => `${path}..`,
  (path) => path.replace(/\/$/, '.'),
  (path) => path.replace(/\/$/, './'),
  (path) => path.replace(/\/$/, '.html'),
  (path) => path.replace(/\/$/, '.json'),
  (path) => path.replace(/^\/./, (two) => `/%${two.charCodeAt(1).toString(16)}`),
  (path) => path.replace(/^\/./, (two) => `/%25${two.charCodeAt(1).toString(16)}`),
  (path) => path.replaceAll('/', '%2f'),
  (path) => `/%2f${path.slice(1)}`,
  (path) => path.replace(/\/$/, '%2F'),
  (path) => path.replace(/\/$/, '%2F/'),
  (path) => path.replaceAll('/', '\\'),
  (path) => `/\\${path.slice(1)}`,
  (path) => path.replace(/\/$/, '%5c'),
  (path) => `/%2e%2e${path}`,
  (path) => `/x/%2e%2e${path}`,
  (path) => path.toUpperCase(),
  (path) => path.replace(/^\/./, (two) => two.toUpperCase()),
  (path) => `${path}%00`,
  (path) => path.replace(/\/$/, '%00/'),
  (path) => `${path}%20`,
  (path) => path.replace(/\/$/, '%09'),
  (path) => `${path}%0a`,
  (path) => `${path}#/`,
  (path) => `${path}?/../`,
  (path) => `${path}%3f`,
  (path) => `${path}%23`,
  (path) => path.replace(/o/, '%c0%ef'),
  (path) => path.replace(/\/$/, '%ef%bc%8f'),
  (path) => path.replace(/e/, '%EF%BD%85'),
  (path) => `/sign-in/..${path}`,
  (path) => `/assets/..${path}`,
  (path) => `/assets/%2e%2e${path}`,
  (path) => `/healthz/..${path}`,
  (path) => `/api/v1/..${path}`,
  (path) => `/%${path.slice(1)}`,
  (path) => `${path}%`,
  (path) => `${path}%zz`,
  (path) => `${path}${'a/'.repeat(3000)}`,
];

/** What only somebody signed in may see. */
const SECRET =
  /Hello, |Your sessions|Change password|Signed in as|csrfmiddlewaretoken" value="[^"]+"[^]*Current password/;

describe('a protected page is shown to nobody who is not signed in', () => {
  test.each(PROTECTED)('%s, however it is written', async (path) => {
    const origin = siege.worker.localOrigin;
    for (const trick of TRICKS) {
      const target = trick(path);
      for (const method of ['GET', 'HEAD']) {
        const answer = await sendRaw(origin, rawRequest(origin, method, target));
        expectHarmless(answer, answer.body);
        expect(answer.status, `${method} ${target}`).not.toBe(206);
        expect(answer.body, target).not.toMatch(SECRET);
        // One that a parser takes for "/" is the public page.
        if (answer.status === 200 && method === 'GET')
          expect(answer.body, target).toContain('re not signed in');
        const location = answer.headers.get('Location');
        if (location !== null)
          expect(new URL(location, origin).origin, `${target} to ${location}`).toBe(origin);
      }
    }
  });

  test.each(PROTECTED)('%s, with a session cookie of nobody, a range or a condition', async (path) => {
    for (const headers of [
      { Cookie: `sessionid=${'A'.repeat(43)}` },
      { Range: 'bytes=0-10' },
      { 'If-None-Match': '*', 'If-Modified-Since': 'Thu, 01 Jan 2099 00:00:00 GMT' },
      { Accept: 'application/json' },
      { 'X-Requested-With': 'XMLHttpRequest' },
      { Authorization: 'Basic YWRtaW46YWRtaW4=' },
      {
        Upgrade: 'websocket',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version': '13',
      },
    ]) {
      const answer = await siege.fetch(ORIGIN + path, { headers });
      expect([302, 303, 401]).toContain(answer.status);
    }
  });

  test('whole addresses in the place of a path', async () => {
    const origin = siege.worker.localOrigin;
    for (const target of [
      'http://evil.example/home/',
      `${origin}/home/`,
      '*',
      'home/',
      '?/home/',
      'javascript:/home/',
    ]) {
      const answer = await sendRaw(origin, rawRequest(origin, 'GET', target)).catch(() => null);
      expect(answer?.status ?? 400, target).not.toBe(200);
      expect(answer?.body ?? '').not.toMatch(SECRET);
    }
  });

  test.each(['/api/v1/sessions', '/api/v1/sessions/current', '/api/v1/logouts', '/api/v1/password'])(
    '%s and what looks like it',
    async (path) => {
      for (const target of [
        path,
        `${path}/`,
        `/${path}`,
        path.toUpperCase(),
        `${path}?x`,
        `${path};x`,
        `/api/v1/..${path}`,
      ]) {
        const answer = await siege.fetch(ORIGIN + target, { headers: { Accept: 'text/html' } });
        expect([401, 404, 405], target).toContain(answer.status);
      }
    },
  );
});

describe('methods', () => {
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
    '%s, raw: no page, no echo of what was sent, nothing changed',
    async (method) => {
      const { token, visitor } = await siege.seedVisitor();
      const before = await siege.counts();
      const origin = siege.worker.localOrigin;
      for (const path of [...PAGES, ...OTHERS]) {
        const lines = [`Cookie: sessionid=${token}`, 'X-Echo: tell-tale'];
        const answer = await sendRaw(origin, rawRequest(origin, method, path, lines));
        expect([400, 403, 404, 405, 501], `${method} ${path}`).toContain(answer.status);
        expect(answer.body).not.toMatch(/tell-tale|Hello, /);
        expect(answer.body).not.toContain(token);
      }
      expect(await siege.counts()).toEqual(before);
      expect(await visitor.isSignedIn()).toBe(true);
    },
  );

  test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])(
    '%s changes nothing on a page',
    async (method) => {
      const { token, visitor } = await siege.seedVisitor();
      const csrf = (await visitor.cookie('csrftoken')) ?? '';
      const before = await siege.counts();
      for (const path of PAGES) {
        const answer = await siege.fetch(ORIGIN + path, {
          method,
          headers: { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf, Origin: ORIGIN },
        });
        expect(answer.status, path).toBe(405);
        expect(answer.headers.get('Allow')).toMatch(/^[A-Z]+(?:, [A-Z]+)*$/);
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
      expect(await siege.counts()).toEqual(before);
    },
  );

  test('a preflight from another site gets no leave', async () => {
    for (const path of ['/sign-in/', '/logout/', '/api/v1/sessions', '/api/v1/sessions/current']) {
      const answer = await siege.fetch(ORIGIN + path, {
        method: 'OPTIONS',
        headers: {
          Origin: 'https://evil.example',
          'Access-Control-Request-Method': 'DELETE',
          'Access-Control-Request-Headers': 'authorization, x-csrftoken',
        },
      });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test('HEAD and GET of what changes something change nothing', async () => {
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
});

describe('words in a query that every object has', () => {
  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'])(
    '?done=%s is no notice',
    async (word) => {
      const { visitor } = await siege.seedVisitor();
      const page = await visitor.get(`/sessions/?done=${word}`);
      expect(page.status).toBe(200);
      expect(page.body).not.toContain('role="status"');
    },
  );
});

testAftermath(siege);
