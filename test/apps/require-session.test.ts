import { Hono } from 'hono';
import { afterEach, beforeEach, expect, test, vi, type MockInstance } from 'vitest';
import { requireSession, type Verification } from '../../packages/client/src/require-session.ts';

// Without the service: what visitors get. Over a real binding: test/http.

const APP = 'https://app.example.org';
const PAGE = { Accept: 'text/html,application/xhtml+xml' };
const SIGNED_OUT: Verification = { status: 'invalid', reason: 'missing' };

let warn: MockInstance;
beforeEach(() => void (warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)));
afterEach(() => warn.mockRestore());

const app = new Hono();
app.use(requireSession({ binding: 'SESSIONS', signInUrl: 'https://login.example.org/sign-in/?from=app' }));
app.all('*', (c) => c.text('in'));
app.onError((error, c) => c.text(error.message, 500));

/** `SESSIONS` says that nobody is signed in, unless another is given. */
function send(headers: Record<string, string>, method = 'GET', binding?: unknown) {
  const SESSIONS = binding ?? { verify: async () => SIGNED_OUT };
  return app.request(`${APP}/a%20b?x=1&y=%2F`, { method, headers }, { SESSIONS });
}

test.each([
  ['GET', PAGE],
  ['HEAD', PAGE],
  ['GET', { 'Sec-Fetch-Mode': 'navigate' }],
])('signed out: a page goes to sign in, with its address in next (%s %o)', async (method, headers) => {
  const response = await send(headers, method);
  expect(response.status).toBe(302);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  const location = new URL(response.headers.get('Location') ?? '');
  expect(location.origin + location.pathname).toBe('https://login.example.org/sign-in/');
  expect(Object.fromEntries(location.searchParams)).toEqual({
    from: 'app',
    next: `${APP}/a%20b?x=1&y=%2F`,
  });
});

test.each<[string, Record<string, string>, string]>([
  ['its page', { Referer: `${APP}/form?a` }, `${APP}/form?a`],
  ['the root, without a Referer', {}, `${APP}/`],
  ['the root, from another origin', { Referer: 'https://evil.example/' }, `${APP}/`],
  ['the root, from a malformed one', { Referer: '/form' }, `${APP}/`],
])('signed out: a form goes there and comes back to %s', async (_, headers, next) => {
  const response = await send({ ...PAGE, ...headers }, 'POST');
  expect(response.status).toBe(303);
  expect(new URL(response.headers.get('Location') ?? '').searchParams.get('next')).toBe(next);
});

test.each<[string, Record<string, string>]>([
  ['a program', { Accept: 'application/json' }],
  ['a program that accepts anything', {}],
  ["a page's script", { ...PAGE, 'Sec-Fetch-Mode': 'cors' }],
  ['a WebSocket', { ...PAGE, 'Sec-Fetch-Mode': 'websocket' }],
  ["an old browser's WebSocket", { ...PAGE, Upgrade: 'websocket' }],
])('signed out: %s gets 401', async (_, headers) => {
  const response = await send(headers);
  expect(response.status).toBe(401);
  expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
});

test('a binding that throws is 503, and the reason is in the log', async () => {
  const error = new TypeError('The RPC receiver does not implement the method "verify".');
  const response = await send(PAGE, 'GET', { verify: () => Promise.reject(error) });
  expect(response.status).toBe(503);
  expect(response.headers.get('Retry-After')).toBe('10');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('SessionService'), error);
});

test('a binding of another kind is a 500 that names the entrypoint, and lets no one through', async () => {
  const response = await send(PAGE, 'GET', 'https://login.example.org');
  expect(response.status).toBe(500);
  expect(await response.text()).toContain('entrypoint = "SessionService"');
});
