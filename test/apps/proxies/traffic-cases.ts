import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Seen } from './echo-app.ts';
import { sendForStream } from './send.ts';
import { identityIn, seenBy, type ProxyEnvironment } from './suite.ts';

/** What passes between visitors and the app, and what happens in an outage of the service. */
export function testTraffic(environment: ProxyEnvironment): void {
  describe('what passes', () => {
    test.each([
      ['a form of 200 kB', 200_000],
      ['an upload of 30 MB', 30_000_000],
    ])('%s', async (_, bytes) => {
      const { headers } = await environment.signedIn();
      const body = randomBytes(bytes);
      const reply = await environment.ask('/upload/', { method: 'POST', headers, body });
      expect(reply.status).toBe(200);
      expect(seenBy(reply).method).toBe('POST');
      expect(seenBy(reply).bodySha256).toBe(createHash('sha256').update(body).digest('hex'));
    });

    test('the beginning of a response, before its end', async () => {
      const { headers } = await environment.signedIn();
      const startedAt = performance.now();
      const response = await sendForStream(environment.proxy.origin, '/stream', { headers });
      const [first] = (await once(response, 'data')) as [Buffer];
      expect(first.toString()).toBe('first\n');
      expect(performance.now() - startedAt).toBeLessThan(600);
      environment.app.endStreams();
      expect((await response.toArray()).join('')).toBe('last\n');
    });

    test('a WebSocket, with the identity', async () => {
      const { user, headers } = await environment.signedIn();
      const socket = new WebSocket(`${environment.proxy.origin.replace('http', 'ws')}/socket/`, { headers });
      const [greeting] = (await once(socket, 'message')) as [Buffer];
      expect(identityIn(JSON.parse(greeting.toString()) as Seen)['remote-user-id']).toEqual([user.id]);
      socket.send('hello');
      const [echoed] = (await once(socket, 'message')) as [Buffer];
      expect(echoed.toString()).toBe('hello');
      socket.close();
      await once(socket, 'close');
    });

    test.each([302, 401, 403, 500, 503])('the app’s own %i, unchanged', async (status) => {
      const { headers } = await environment.signedIn();
      const reply = await environment.ask(`/own/${status}`, { headers });
      expect(reply.status).toBe(status);
      expect(reply.body).toBe('the app’s own words');
      expect(reply.headers.get('WWW-Authenticate')).toBe('Basic realm="the app"');
      expect(reply.location).toBe('/elsewhere');
    });

    test.each([
      ['with a backslash', '/?p=C:\\x'],
      ['that begins with two slashes', '//a'],
      ['of 2,500 characters', `/?${'q'.repeat(2500)}`],
      ['with encoded characters', '/a%20b%2Fc?d=%26'],
      ['with an encoded end of line', '/?%0d%0aSet-Cookie:x'],
    ])('an address %s, as it is', async (_, path) => {
      const { headers } = await environment.signedIn();
      const reply = await environment.ask(path, { headers });
      expect(reply.status).toBe(200);
      expect(seenBy(reply).url).toBe(path);
    });

    test('asks the stores once for a protected page, never for a public one', async () => {
      const { headers } = await environment.signedIn();
      const { calls } = environment.cloud;
      calls.length = 0;
      await environment.ask('/static/a.css', { headers });
      expect(calls).toHaveLength(0);
      await environment.ask('/', { headers });
      expect(calls.map(({ store }) => store)).toEqual(['redis']);
    });
  });

  describe('while the service can’t tell who it is', () => {
    test('503 within five seconds, never "signed out"; afterwards the visitor is signed in as before', async () => {
      const { headers } = await environment.signedIn();
      const page = { ...headers, Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };
      environment.cloud.faults.set('redis', { kind: 'hang' });
      const before = environment.app.seen.length;
      const startedAt = performance.now();
      const reply = await environment.ask('/', { headers: page });
      expect(performance.now() - startedAt).toBeLessThan(5000);
      expect(reply.status).toBe(503);
      expect(Number(reply.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(reply.headers.getSetCookie()).toEqual([]);
      expect(environment.app.seen).toHaveLength(before);
      environment.cloud.faults.clear();
      expect((await environment.ask('/', { headers: page })).status).toBe(200);
    });

    test('public pages stay up', async () => {
      const { headers } = await environment.signedIn();
      environment.cloud.faults.set('redis', { kind: 'hang' });
      expect((await environment.ask('/static/a.css', { headers })).status).toBe(200);
    });
  });
}
