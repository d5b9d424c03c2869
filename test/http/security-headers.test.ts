import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

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

test('every page, redirect and error has them, and is never cached', async () => {
  const visitor = environment.worker.visitor();
  await visitor.signIn(await addUser(environment.cloud));
  const anonymous = environment.worker.visitor();
  const responses = [
    await anonymous.get('/'),
    await visitor.get('/'),
    await anonymous.get('/sign-in/'),
    await anonymous.get('/home/'),
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
  expect(responses.map((response) => response.status)).toEqual([
    200, 200, 200, 302, 200, 200, 404, 405, 403, 308, 200, 303, 404,
  ]);
  for (const { headers } of responses) {
    expectHeaders(headers);
    expect(headers.get('Strict-Transport-Security')).toBe('max-age=31536000');
    expect(headers.get('Cache-Control')).toBe('no-store');
  }
});

test('the API has those that matter for JSON', async () => {
  const visitor = environment.worker.visitor();
  await visitor.signIn(await addUser(environment.cloud));
  for (const [path, status] of [
    ['/api/v1/sessions', 200],
    ['/api/v1/sessions/current', 200],
    ['/api/v1/nothing', 404],
  ] as const) {
    const response = await visitor.get(path);
    expect(response.status).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject({
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

test('plain http has no HSTS', async () => {
  const { headers } = await environment.worker.visitor({ origin: 'http://localhost:8787' }).get('/');
  expectHeaders(headers);
  expect(headers.get('Strict-Transport-Security')).toBeNull();
});

test('assets are cached and have their type, and pages use nothing else', async () => {
  const visitor = environment.worker.visitor();
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
