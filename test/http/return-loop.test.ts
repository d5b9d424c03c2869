import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

const environment = useTestEnvironment({ ALLOWED_REDIRECT_HOSTS: 'app.example.org,other.example.org' });

const signInFor = (next: string): string => `/sign-in/?next=${encodeURIComponent(next)}`;

async function open() {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  return visitor;
}

test('the third return to the same app within ten seconds shows what is wrong, instead of a loop', async () => {
  const visitor = await open();
  for (const path of ['/', '/x'])
    expect((await visitor.get(signInFor(`https://app.example.org${path}`))).status).toBe(302);
  const page = await visitor.get(signInFor('https://app.example.org/y?a=1'));
  expect(page.status).toBe(200);
  expect(page.body).toContain('You are signed in, but app.example.org doesn&#39;t see it');
  expect(page.body).toContain('href="https://app.example.org/y?a=1"');
  expect((await visitor.get(signInFor('https://app.example.org/'))).status).toBe(200);
});

test('an app below no base path, on this host, can loop as well; our own pages can’t', async () => {
  await using worker = await openWorker({ cloud: environment.cloud, bindings: { BASE_PATH: '/auth/' } });
  const user = await addUser(environment.cloud);
  const { token } = await seedSession(environment.cloud, user, { kind: 'cookie' });
  const visitor = worker.visitor();
  await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
  const statuses = async (next: string) => {
    const found: number[] = [];
    for (let i = 0; i < 3; i += 1) found.push((await visitor.get(`/auth${signInFor(next)}`)).status);
    return found;
  };
  expect(await statuses('/app/')).toEqual([302, 302, 200]);
  expect(await statuses('/auth/sessions/')).toEqual([302, 302, 302]);
});

test('our own absolute address is no other host', async () => {
  await using worker = await openWorker({
    cloud: environment.cloud,
    bindings: { LOGIN_REDIRECT_URL: `${ORIGIN}/home/` },
  });
  const { visitor } = await seedVisitor(
    { cloud: environment.cloud, worker },
    await addUser(environment.cloud),
  );
  for (let i = 0; i < 4; i += 1) expect((await visitor.get('/sign-in/')).status).toBe(302);
});

test('returns to several apps, and to this host, are no loop', async () => {
  const visitor = await open();
  for (const host of ['app', 'other', 'app', 'other'])
    expect((await visitor.get(signInFor(`https://${host}.example.org/`))).status).toBe(302);
  for (let i = 0; i < 4; i += 1) expect((await visitor.get('/sign-in/')).status).toBe(302);
});

test.each(['9.@app.example.org', '9.x@app.example.org', '99.1@app.example.org', '2@app.example.org', '@@@'])(
  'a malformed count, %s, counts as none',
  async (value) => {
    const visitor = await open();
    await visitor.setCookie(`returns=${value}; Path=/sign-in/; Secure`);
    expect((await visitor.get(signInFor('https://app.example.org/'))).status).toBe(302);
  },
);

test('returns of more than ten seconds ago do not count', async () => {
  const visitor = await open();
  const goTo = () => visitor.get(signInFor('https://app.example.org/'));
  await visitor.setCookie(`returns=2.${Date.now() - 11_000}@app.example.org; Path=/sign-in/; Secure`);
  expect((await goTo()).status).toBe(302);
  await visitor.setCookie(`returns=2.${Date.now() - 8000}@app.example.org; Path=/sign-in/; Secure`);
  expect((await goTo()).status).toBe(200);
});
