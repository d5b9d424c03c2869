import { describe, expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { ORIGIN } from '../support/visitor.ts';

const stage = useStage();

const MAX_BODY_BYTES = 64 * 1024;

describe('security headers', () => {
  const expectHeaders = (headers: Headers): void => {
    expect(headers.get('Content-Security-Policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('X-Frame-Options')).toBe('DENY');
    expect(headers.get('Referrer-Policy')).toBe('same-origin');
    expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
    expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
    expect(headers.get('Clear-Site-Data')).toBeNull();
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(headers.get('X-Powered-By')).toBeNull();
  };

  test('on every page, redirect and error; nothing is kept by caches', async () => {
    const visitor = stage.worker.visitor();
    await visitor.signIn(await addUser(stage.cloud));
    const stranger = stage.worker.visitor();
    const answers = [
      await stranger.get('/'),
      await visitor.get('/'),
      await stranger.get('/sign-in/'),
      await stranger.get('/home/'),
      await visitor.get('/home/'),
      await visitor.get('/logout/'),
      await visitor.get('/nowhere/'),
      await visitor.post('/home/'),
      await visitor.post('/logout/'),
      await visitor.get('/home'),
      await visitor.get('/readyz'),
      await visitor.logOut(),
      await visitor.get('/nowhere/', { Accept: 'application/json' }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([
      200, 200, 200, 302, 200, 200, 404, 405, 403, 308, 200, 303, 404,
    ]);
    for (const { headers } of answers) {
      expectHeaders(headers);
      expect(headers.get('Strict-Transport-Security')).toBe('max-age=31536000');
      expect(headers.get('Cache-Control')).toBe('no-store');
    }
  });

  test('on the API those that an answer in JSON needs', async () => {
    const visitor = stage.worker.visitor();
    await visitor.signIn(await addUser(stage.cloud));
    for (const [path, status] of [
      ['/api/v1/sessions', 200],
      ['/api/v1/sessions/current', 200],
      ['/api/v1/nothing', 404],
    ] as const) {
      const answer = await visitor.get(path);
      expect(answer.status).toBe(status);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'strict-transport-security': 'max-age=31536000',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/) as string,
      });
    }
  });

  test('no HSTS on http', async () => {
    const { headers } = await stage.worker.visitor({ origin: 'http://localhost:8787' }).get('/');
    expectHeaders(headers);
    expect(headers.get('Strict-Transport-Security')).toBeNull();
  });

  test('assets are kept by browsers, are what they say they are, and are all that pages use', async () => {
    const visitor = stage.worker.visitor();
    const { body } = await visitor.get('/');
    expect(body).not.toMatch(/<script|<style|\sstyle=|\son\w+=/);
    const [, stylesheet = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(body) ?? [];
    const [, icon = ''] = /<link rel="icon"[^>]* href="([^"]+)"/.exec(body) ?? [];
    for (const [path, type] of [
      [stylesheet, /^text\/css/],
      [icon, /^image\/svg\+xml/],
    ] as const) {
      const asset = await visitor.get(path);
      expect(asset.status).toBe(200);
      expect(asset.headers.get('Content-Type')).toMatch(type);
      expect(asset.headers.get('Cache-Control')).toMatch(/^public, max-age=\d+/);
      expect(asset.setCookies).toEqual([]);
      expectHeaders(asset.headers);
    }
  });
});

describe('addresses', () => {
  test.each(['/sign-in', '/home', '/logout', '/accounts/login', '/accounts/logout'])(
    '%s leads to the one with a slash, query and method kept',
    async (path) => {
      const visitor = stage.worker.visitor();
      const get = await visitor.get(`${path}?next=%2Fhome%2F&x=1`);
      expect([301, 308]).toContain(get.status);
      expect(get.location).toBe(`${path}/?next=%2Fhome%2F&x=1`);
      expect(await visitor.post(path)).toMatchObject({ status: 308, location: `${path}/` });
    },
  );

  test("Django's own addresses lead to ours", async () => {
    const visitor = stage.worker.visitor();
    const login = await visitor.get('/accounts/login/?next=%2Fhome%2F');
    expect([301, 302, 307, 308]).toContain(login.status);
    expect(login.location).toBe('/sign-in/?next=%2Fhome%2F');
    expect((await visitor.get('/accounts/logout/')).location).toBe('/logout/');
    expect([307, 308]).toContain((await visitor.post('/accounts/logout/')).status);
  });

  test.each(['/nowhere/', '/home/x', '/sign-in//', '/SIGN-IN/', '/assets/../../etc/passwd', '/.env', '/%00'])(
    '%s: 404',
    async (path) => {
      const answer = await stage.worker.visitor().get(path);
      expect(answer.status).toBe(404);
      expect(answer.body).toMatch(/^<!DOCTYPE html>/i);
    },
  );

  test.each([
    ['/', 'POST', 'GET'],
    ['/home/', 'POST', 'GET'],
    ['/sign-in/', 'PUT', 'GET, POST'],
    ['/logout/', 'DELETE', 'GET, POST'],
    ['/logout/', 'PATCH', 'GET, POST'],
    ['/healthz', 'POST', 'GET'],
    ['/readyz', 'POST', 'GET'],
  ])('%s takes no %s', async (path, method, methods) => {
    const answer = await stage.worker.visitor().request(path, { method });
    expect(answer.status).toBe(405);
    const allowed = (answer.headers.get('Allow') ?? '').split(/,\s*/).filter((each) => each !== 'HEAD');
    expect(allowed.sort().join(', ')).toBe(methods);
  });

  test('HEAD is a GET without a body', async () => {
    for (const path of ['/', '/sign-in/', '/healthz', '/readyz']) {
      const answer = await stage.worker.visitor().request(path, { method: 'HEAD' });
      expect(answer, path).toMatchObject({ status: 200, body: '' });
    }
  });
});

describe('plain http', () => {
  test('is redirected to https, whole address and method kept', async () => {
    const visitor = stage.worker.visitor({ origin: 'http://login.example.org' });
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
  ])('%s is not this machine', async (origin) => {
    expect((await stage.worker.visitor({ origin }).get('/')).location).toBe(
      `${origin.replace('http:', 'https:')}/`,
    );
  });
});

describe('the size of a body', () => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const chunks = (size: number): ReadableStream =>
    new ReadableStream({
      start(controller) {
        for (let left = size; left > 0; left -= 1024) {
          controller.enqueue(new TextEncoder().encode('a'.repeat(Math.min(left, 1024))));
        }
        controller.close();
      },
    });

  test.each(['/sign-in/', '/logout/', '/nowhere/'])('%s: one byte over 64 KiB is a 413', async (path) => {
    const visitor = stage.worker.visitor();
    const body = 'a'.repeat(MAX_BODY_BYTES + 1);
    const answer = await visitor.request(path, { method: 'POST', body, headers: form });
    expect(answer.status).toBe(413);
    const json = await visitor.request(path, {
      method: 'POST',
      body,
      headers: { ...form, Accept: 'application/json' },
    });
    expect(JSON.parse(json.body)).toMatchObject({ status: 413 });
  });

  test.each(['/sign-in/', '/logout/'])('%s: without a Content-Length too', async (path) => {
    const visitor = stage.worker.visitor();
    await visitor.signIn(await addUser(stage.cloud));
    const send = (size: number) =>
      visitor.request(path, { method: 'POST', body: chunks(size), duplex: 'half', headers: form });
    expect((await send(MAX_BODY_BYTES + 1)).status).toBe(413);
    expect((await send(MAX_BODY_BYTES)).status).toBe(403);
  });

  test('64 KiB are not too much', async () => {
    const answer = await stage.worker.visitor().request('/sign-in/', {
      method: 'POST',
      body: 'a'.repeat(MAX_BODY_BYTES),
      headers: form,
    });
    expect(answer.status).toBe(403);
  });
});

describe('problem+json', () => {
  test.each([
    ['/nowhere/', 'GET', 404],
    ['/home/', 'POST', 405],
    ['/sign-in/', 'POST', 403],
    ['/api/nothing', 'GET', 404],
  ])('%s by %s has every member', async (path, method, status) => {
    const answer = await stage.worker.visitor().request(path, {
      method,
      headers: { Accept: path.startsWith('/api/') ? 'text/html' : 'application/json' },
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(answer.body)).toEqual({
      type: expect.stringMatching(/^[a-z]+:/) as string,
      title: expect.stringMatching(/./) as string,
      status,
      detail: expect.stringMatching(/./) as string,
      code: expect.stringMatching(/^[a-z_]+$/) as string,
      request_id: expect.stringMatching(/^[\w-]+$/) as string,
    });
  });

  test.each([
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html'],
    ['*/*', 'text/html'],
    ['application/json;q=0.5, text/html;q=0.9', 'text/html'],
    ['application/json', 'application/problem+json'],
    ['application/problem+json', 'application/problem+json'],
    ['application/json, text/html;q=0.9', 'application/problem+json'],
    ['application/json, text/plain, */*', 'application/problem+json'],
  ])('Accept: %s gets %s', async (Accept, type) => {
    const answer = await stage.worker.visitor().get('/nowhere/', { Accept });
    expect(answer.headers.get('Content-Type')).toContain(type);
  });

  test('the request id is in the page and in the log', async () => {
    const answer = await stage.worker.visitor().get('/nowhere/');
    const id = answer.headers.get('X-Request-Id') ?? '';
    expect(answer.body).toContain(id);
    expect(stage.worker.logs.filter((line) => line.includes(id))).toHaveLength(1);
  });

  test('a request id from outside cannot break a page, a header or a log line', async () => {
    const answer = await stage.worker.visitor().get('/nowhere/', { 'X-Request-Id': '<b>"\'x' });
    expect(answer.body).not.toContain('<b>');
    expect(answer.headers.get('X-Request-Id')).not.toContain('<b>');
  });
});

test('the Host of another site gets no link to it', async () => {
  const answer = await stage.worker.visitor().get('/home/', { 'X-Forwarded-Host': 'evil.example' });
  expect(answer.location).toBe('/sign-in/?next=%2Fhome%2F');
  expect(`${ORIGIN}${answer.location}`).not.toContain('evil');
});
