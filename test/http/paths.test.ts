import { describe, expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { expectHarmless, testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

const PROTECTED = ['/home/', '/sessions/', '/account/password/'];

/** Ways to write a path that a guard and a router might read differently. */
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

/** What only signed-in users may see. */
const SECRET =
  /Hello, |Your sessions|Change password|Signed in as|csrfmiddlewaretoken" value="[^"]+"[^]*Current password/;

describe('a protected page is shown to signed-in users alone', () => {
  test.each(PROTECTED)('%s, however it is written', async (path) => {
    const origin = environment.worker.localOrigin;
    for (const trick of TRICKS) {
      const target = trick(path);
      for (const method of ['GET', 'HEAD']) {
        const response = await sendRaw(origin, rawRequest(origin, method, target));
        expectHarmless(response, response.body);
        expect(response.status, `${method} ${target}`).not.toBe(206);
        expect(response.body, target).not.toMatch(SECRET);
        // What a parser reads as "/" is the public page.
        if (response.status === 200 && method === 'GET')
          expect(response.body, target).toContain('re not signed in');
        const location = response.headers.get('Location');
        if (location !== null)
          expect(new URL(location, origin).origin, `${target} to ${location}`).toBe(origin);
      }
    }
  });

  test.each(PROTECTED)('%s, with an unknown session cookie, a range or a condition', async (path) => {
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
      const response = await environment.fetch(ORIGIN + path, { headers });
      expect([302, 303, 401]).toContain(response.status);
    }
  });

  test('whole addresses instead of a path', async () => {
    const origin = environment.worker.localOrigin;
    for (const target of [
      'http://evil.example/home/',
      `${origin}/home/`,
      '*',
      'home/',
      '?/home/',
      'javascript:/home/',
    ]) {
      const response = await sendRaw(origin, rawRequest(origin, 'GET', target)).catch(() => null);
      expect(response?.status ?? 400, target).not.toBe(200);
      expect(response?.body ?? '').not.toMatch(SECRET);
    }
  });

  test.each(['/api/v1/sessions', '/api/v1/sessions/current', '/api/v1/logouts', '/api/v1/password'])(
    '%s and paths that look like it',
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
        const response = await environment.fetch(ORIGIN + target, { headers: { Accept: 'text/html' } });
        expect([401, 404, 405], target).toContain(response.status);
      }
    },
  );
});

testAftermath(environment);
