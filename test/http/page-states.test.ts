import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const titleOf = (html: string): string => /<title>(.*?)<\/title>/.exec(html)?.[1] ?? '';

test('the title names the state, and the focused field has the problem as its description', async () => {
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor();
  const wrong = await visitor.trySignIn({ ...user, password: 'wrong' });
  expect(titleOf(wrong.body)).toBe('Sign in: please check – Cloud Hoskie');
  expect(wrong.body).toMatch(/<p class="problem" role="alert" id="problem">/);
  expect(wrong.body).toMatch(/<input id="password"[^>]* autofocus=""[^>]* aria-describedby="problem"/);
  expect(wrong.body).not.toMatch(/<input id="username"[^>]* aria-describedby/);

  environment.cloud.faults.set('redis', { kind: 'status', status: 500 });
  const outage = await visitor.trySignIn(user);
  environment.cloud.faults.clear();
  expect(outage.status).toBe(503);
  expect(titleOf(outage.body)).toBe('Temporarily unavailable – Sign in – Cloud Hoskie');
});

test('search engines are to list the landing page alone, with its description', async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  const landing = await visitor.get('/');
  expect(landing.body).toContain('<meta name="description" content="Cloud Hoskie keeps your sessions');
  expect(landing.body).not.toContain('noindex');
  for (const path of ['/home/', '/logout/', '/sessions/', '/account/password/', '/nowhere/'])
    expect((await visitor.get(path)).body, path).toContain('<meta name="robots" content="noindex"/>');
  const signIn = await environment.worker.visitor().get('/sign-in/');
  expect(signIn.body).toContain('<meta name="robots" content="noindex"/>');
});

test('the link to the page itself says so', async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  const current = async (path: string) =>
    [...(await visitor.get(path)).body.matchAll(/href="([^"]+)" aria-current="page"/g)].map(([, to]) => to);
  expect(await current('/home/')).toEqual(['/home/']);
  expect(await current('/sessions/')).toEqual(['/sessions/']);
  expect(await current('/account/password/')).toEqual([]);
});

test('the buttons of equal devices have different names, which begin with what they show', async () => {
  const user = await addUser(environment.cloud);
  const { visitor } = await seedVisitor(environment, user);
  for (const secondsAgo of [10, 20])
    await seedSession(environment.cloud, user, { createdAtMs: Date.now() - secondsAgo * 1000 });
  const { body } = await visitor.get('/sessions/');
  const names = [...body.matchAll(/aria-label="(Sign out [^"]+ UTC)">Sign out</g)].map(([, name]) => name);
  expect(names).toHaveLength(2);
  expect(new Set(names).size).toBe(2);
});

test('after a sign-out the focused field has the notice as its description', async () => {
  const visitor = environment.worker.visitor();
  await visitor.setCookie('signedout=1; Path=/; Secure');
  const { body } = await visitor.get('/sign-in/');
  expect(body).toMatch(/<p class="notice" role="status" id="signed-out">/);
  expect(body).toMatch(/<input id="username"[^>]* autofocus=""[^>]* aria-describedby="signed-out"/);
});
