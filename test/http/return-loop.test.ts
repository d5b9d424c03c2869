import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

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
    await visitor.setCookie(`returns=${value}; Path=/; Secure`);
    expect((await visitor.get(signInFor('https://app.example.org/'))).status).toBe(302);
  },
);

test('returns of more than ten seconds ago do not count', async () => {
  const visitor = await open();
  const goTo = () => visitor.get(signInFor('https://app.example.org/'));
  await visitor.setCookie(`returns=2.${Date.now() - 11_000}@app.example.org; Path=/; Secure`);
  expect((await goTo()).status).toBe(302);
  await visitor.setCookie(`returns=2.${Date.now() - 8000}@app.example.org; Path=/; Secure`);
  expect((await goTo()).status).toBe(200);
});
