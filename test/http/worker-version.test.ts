import { expect, test } from 'vitest';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();
const VERSION = 'dc8dcd28-271b-4367-9840-6c244f84cb40';
const headers = { 'Cloudflare-Workers-Version-Overrides': `cloud-hoskie="${VERSION}"` };

test('a client that asks for a version gets the name of the one that responds, also with malformed settings', async () => {
  await using worker = await openWorker({ cloud: environment.cloud, version: VERSION });
  await using malformed = await openWorker({
    cloud: environment.cloud,
    version: VERSION,
    bindings: { SECRET_KEY: 'short' },
  });
  for (const [each, path, status] of [
    [worker, '/healthz', 200],
    [worker, '/sign-in/', 200],
    [worker, '/api/v1/sessions/current', 401],
    [malformed, '/healthz', 200],
    [malformed, '/sign-in/', 500],
  ] as const) {
    const response = await each.fetch(ORIGIN + path, { headers });
    expect([response.status, response.headers.get('Worker-Version')]).toEqual([status, VERSION]);
  }
});

test('no one else gets it, nor is there one without the binding', async () => {
  await using worker = await openWorker({ cloud: environment.cloud, version: VERSION });
  expect((await worker.fetch(`${ORIGIN}/sign-in/`)).headers.has('Worker-Version')).toBe(false);
  const unnamed = await environment.worker.fetch(`${ORIGIN}/sign-in/`, { headers });
  expect(unnamed.headers.has('Worker-Version')).toBe(false);
});
