import { expect, test } from 'vitest';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

const environment = useTestEnvironment();

test.each<[string, Record<string, string | undefined>]>([
  ['SECRET_KEY', { SECRET_KEY: undefined }],
  ['SECRET_KEY', { SECRET_KEY: 'too-short-a-secret-key-of-31-ch' }],
  ['SECRET_KEY_FALLBACKS', { SECRET_KEY_FALLBACKS: 'short-but-secret' }],
  ['UPSTASH_REDIS_REST_URL', { UPSTASH_REDIS_REST_URL: 'redis-host-without-scheme' }],
  ['UPSTASH_REDIS_REST_TOKEN', { UPSTASH_REDIS_REST_TOKEN: undefined }],
  ['DATABASE_URL', { DATABASE_URL: 'postgres://user:hidden-password@host/db' }],
  ['BCRYPT_ROUNDS', { BCRYPT_ROUNDS: '31' }],
  ['SESSION_COOKIE_AGE', { SESSION_COOKIE_AGE: 'a-day-long' }],
  ['LOGIN_REDIRECT_URL', { LOGIN_REDIRECT_URL: '//evil.example' }],
  ['ALLOWED_REDIRECT_HOSTS', { ALLOWED_REDIRECT_HOSTS: 'https://app.example.net/path' }],
  ['CSRF_TRUSTED_ORIGINS', { CSRF_TRUSTED_ORIGINS: '*.example.net' }],
  ['SESSION_COOKIE_NAME', { SESSION_COOKIE_NAME: '__Host-id', SESSION_COOKIE_DOMAIN: 'example.org' }],
])('%s malformed: a plain 500; the log has its name and never a value', async (name, bindings) => {
  await using worker = await openWorker({ cloud: environment.cloud, bindings });
  for (const path of ['/', '/sign-in/', '/readyz', '/assets/icon.svg']) {
    const response = await worker.visitor().get(path);
    expect(response.status, path).toBe(500);
    expect(response.headers.get('Content-Type')).toMatch(/^text\/plain/);
    expect(response.body).not.toContain(name);
  }
  const health = await worker.fetch(`${ORIGIN}/healthz`);
  expect(health.status).toBe(200);
  // Log lines may come after the response: read it to the end.
  await health.text();
  await expect.poll(() => worker.logs.join('\n')).toContain(name);
  for (const value of Object.values(bindings)) {
    if (value !== undefined) expect(worker.logs.join('\n')).not.toContain(value);
  }
  // The cron has nothing to do, and doesn't fail.
  await worker.scheduled();
});

test('an empty variable has its default', async () => {
  const empty = ['LOGIN_URL', 'LOGIN_REDIRECT_URL', 'ACCOUNT_LOGOUT_REDIRECT_URL', 'BCRYPT_ROUNDS'];
  await using worker = await openWorker({
    cloud: environment.cloud,
    bindings: Object.fromEntries(empty.map((name) => [name, ''])),
  });
  expect((await worker.visitor().get('/home/')).location).toBe('/sign-in/?next=%2Fhome%2F');
});
