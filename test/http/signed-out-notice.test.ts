import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const NOTICE = '<p class="notice" role="status" id="signed-out">You are signed out.</p>';

test.each(['/', '/sign-in/'])(
  '%s after a sign-out says that it is done, and not the next time',
  async (path) => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    expect((await visitor.get(path)).body).not.toContain(NOTICE);
    const { setCookies } = await visitor.logOut();
    expect(setCookies[0]).toMatch(/^signedout=1; Max-Age=1;/);
    // The browser may be slower than the second for which it keeps it.
    const Cookie = setCookies[0]?.split(';')[0] ?? '';
    const page = await environment.worker.visitor().get(path, { Cookie });
    expect(page.status).toBe(200);
    expect(page.body).toContain(NOTICE);
    expect((await environment.worker.visitor().get(path)).body).not.toContain(NOTICE);
  },
);

test('not to a visitor who is signed in', async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  await visitor.setCookie('signedout=1; Path=/; Secure');
  const { body } = await visitor.get('/');
  expect(body).toContain('Go to your home page');
  expect(body).not.toContain(NOTICE);
});

test('not beside a problem with the form', async () => {
  const visitor = environment.worker.visitor();
  await visitor.setCookie('signedout=1; Path=/; Secure');
  const { status, body } = await visitor.trySignIn({ username: 'nobody', password: 'wrong' });
  expect(status).toBe(401);
  expect(body).not.toContain(NOTICE);
});
