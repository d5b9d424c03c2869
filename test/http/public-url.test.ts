import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { openWorker } from '../support/worker.ts';

// A proxy in front may call the Worker by any host; others know it by PUBLIC_URL alone.
const PUBLIC = 'https://login.example.org';
const INTERNAL = 'https://internal.example.net';
const environment = useTestEnvironment({ PUBLIC_URL: PUBLIC });

test('a form counts as ours by the public origin, never by Host', async () => {
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor({ origin: INTERNAL });
  const signIn = async (origin: string) =>
    visitor.submit(await visitor.get('/sign-in/'), { ...user }, { Origin: origin });
  expect((await signIn(INTERNAL)).status).toBe(403);
  expect((await signIn(PUBLIC)).status).toBe(303);
});

test('an absolute next of the public origin is ours, one of Host is not', async () => {
  const go = async (next: string) =>
    (await environment.worker.visitor({ origin: INTERNAL }).get(`/logout/?next=${encodeURIComponent(next)}`))
      .location;
  expect(await go(`${PUBLIC}/x?y=1`)).toBe('/x?y=1');
  expect(await go(`${INTERNAL}/x`)).toBe('/');
});

test('plain http leads to the public address, which no browser keeps', async () => {
  const { worker } = environment;
  const response = await worker.fetch('http://internal.example.net/home/?a=1');
  expect(response.status).toBe(308);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(response.headers.get('Location')).toBe(`${PUBLIC}/home/?a=1`);
});

test('cookies are Secure as the public address is https, even where the Worker is called by http on this machine', async () => {
  const { localOrigin } = environment.worker;
  const response = await sendRaw(localOrigin, rawRequest(localOrigin, 'GET', '/sign-in/'));
  expect(response.status).toBe(200);
  expect(response.headers.get('Set-Cookie')).toMatch(/^csrftoken=.*; Secure/);
});

test('one on this machine holds for requests on this machine alone: cookies elsewhere stay Secure', async () => {
  await using worker = await openWorker({
    cloud: environment.cloud,
    bindings: { PUBLIC_URL: 'http://localhost:8787' },
  });
  const response = await worker.fetch(`${PUBLIC}/sign-in/`);
  expect(response.headers.get('Set-Cookie')).toMatch(/^csrftoken=.*; Secure/);
  // A local proxy may have received https.
  const form = await worker.visitor({ origin: 'https://localhost:8787' }).get('/sign-in/');
  expect(form.headers.get('Set-Cookie')).not.toContain('Secure');
  expect((await worker.fetch('http://192.168.1.5:8787/sign-in/')).headers.get('Location')).toBe(
    'https://192.168.1.5:8787/sign-in/',
  );
});
