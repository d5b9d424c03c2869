import { expect, test } from 'vitest';
import { newToken } from '../../src/session/token.ts';
import { loginRows, logoutRows } from '../support/people.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';

const environment = useAttackEnvironment();

test('the form has all its fields and sets csrftoken', async () => {
  const page = await environment.visitor().get('/sign-in/?next=/home/%3Ftab%3D1');
  expect(page.status).toBe(200);
  expect(page.headers.get('Content-Type')).toMatch(/^text\/html/);
  for (const name of ['username', 'password', 'remember_me', 'csrfmiddlewaretoken'])
    expect(page.body).toContain(`name="${name}"`);
  expect(page.body).toContain('name="next" value="/home/?tab=1"');
  expect(page.setCookies).toHaveLength(1);
  expect(page.setCookies[0]).toMatch(/^csrftoken=/);
});

test('a sign-in leads home and is recorded', async () => {
  const user = await environment.addUser();
  const visitor = environment.visitor({ cf: { country: 'NL' }, headers: { 'User-Agent': 'Agent/1.0' } });
  const beforeMs = Date.now();
  const response = await visitor.signIn(user);
  const afterMs = Date.now();
  expect(response.location).toBe('/home/');
  const home = await visitor.get('/home/');
  expect(home.status).toBe(200);
  expect(home.body).toContain(`Hello, ${user.username}`);

  await environment.worker.delivered();
  const rows = await loginRows(environment.cloud, user.username);
  expect(rows).toMatchObject([
    {
      user_id: user.id,
      outcome: 'success',
      ip_address: visitor.ipAddress,
      user_agent: 'Agent/1.0',
      country: 'NL',
    },
  ]);
  const occurredAtMs = Date.parse(`${String(rows[0]?.['occurred_at']).replace(' ', 'T')}Z`);
  expect(occurredAtMs).toBeGreaterThanOrEqual(beforeMs);
  expect(occurredAtMs).toBeLessThanOrEqual(afterMs);
  const [row] = await environment.cloud.query('SELECT last_login_at FROM users WHERE id = ?', [user.id]);
  expect(row?.['last_login_at']).toBe(rows[0]?.['occurred_at']);
});

test('after a refusal the form works again: name kept and escaped, choices kept, password not', async () => {
  const visitor = environment.visitor();
  const page = await visitor.get('/sign-in/?next=/home/');
  const again = await visitor.submit(page, {
    username: '"><script>alert(1)</script>',
    password: 'a-wrong-one',
    remember_me: 'on',
  });
  expect(again.status).toBe(401);
  expect(again.body).not.toContain('<script');
  expect(again.body).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  expect(again.body).not.toContain('a-wrong-one');
  expect(again.body).toMatch(/name="remember_me"[^>]* checked/);
  expect(again.body).toContain('name="next" value="/home/"');
  const { username, password } = await environment.addUser();
  expect((await visitor.submit(again, { username, password })).status).toBe(303);
});

test.each([
  ['username', { username: '', password: 'x' }],
  ['password', { username: 'x', password: '' }],
  ['username', { password: 'x' }],
  ['password', { username: 'x' }],
  ['username', { username: 'n'.repeat(151), password: 'x' }],
  ['password', { username: 'x', password: 'p'.repeat(4097) }],
  ['next', { username: 'x', password: 'x', next: `/${'n'.repeat(2000)}` }],
])('a missing or oversized %s is a 400 that names it', async (field, fields: Record<string, string>) => {
  const visitor = environment.visitor();
  const page = await visitor.get('/sign-in/');
  const html = await visitor.submit(page, fields);
  expect(html.status).toBe(400);
  if (field !== 'next') expect(html.body).toMatch(new RegExp(`name="${field}"[^>]* aria-invalid="true"`));
  expect(html.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);

  const json = await visitor.submit(page, fields, { Accept: 'application/json' });
  expect(json.status).toBe(400);
  const problem = JSON.parse(json.body) as { errors: { field: string; message: string }[] };
  expect(problem.errors.map((error) => error.field)).toEqual([field]);
  expect(problem.errors[0]?.message).toBeTruthy();
});

test('lengths count characters, not bytes or UTF-16 units', async () => {
  const user = await environment.addUser({ username: '🦊'.repeat(150) });
  const visitor = environment.visitor();
  expect((await visitor.trySignIn({ username: 'x', password: '🦊'.repeat(4096) })).status).toBe(401);
  await visitor.signIn(user);
  expect(await visitor.isSignedIn()).toBe(true);
  expect((await environment.visitor().trySignIn({ ...user, username: '🦊'.repeat(151) })).status).toBe(400);
});

test('a second sign-in replaces the session of the cookie that came along', async () => {
  const [first, second] = [await environment.addUser(), await environment.addUser()];
  const visitor = environment.visitor();
  await visitor.signIn(first);
  const oldToken = await visitor.cookie('sessionid');
  // A signed-in visitor gets no form: a script, or a form in another tab, sends this.
  const { username, password } = second;
  const csrfHeader = { 'X-CSRFToken': await visitor.cookie('csrftoken') };
  expect((await visitor.post('/sign-in/', { username, password }, csrfHeader)).status).toBe(303);
  const newToken = await visitor.cookie('sessionid');
  expect(newToken).not.toBe(oldToken);
  expect((await visitor.get('/home/')).body).toContain(`Hello, ${second.username}`);

  const thief = environment.visitor();
  await thief.setCookie(`sessionid=${oldToken}`);
  expect(await thief.isSignedIn()).toBe(false);
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, first)).toMatchObject([
    { reason: 'replaced', username: first.username, ip_address: visitor.ipAddress },
  ]);
});

// Session fixation (OWASP, Session Management Cheat Sheet).
test.each<[string, () => Promise<string> | string]>([
  ['never issued', () => newToken()],
  ["of the attacker's own session", async () => (await environment.seedVisitor()).token],
])('a token planted before the sign-in, %s, opens nothing after it', async (_, plant) => {
  const planted = await plant();
  const victim = environment.visitor();
  await victim.setCookie(`sessionid=${planted}`);
  const page = await environment.visitor().get('/sign-in/');
  await victim.setCookie(page.setCookies[0]!);
  const { username, password } = await environment.addUser();
  const response = await victim.submit(page, { username, password });
  expect(response.status).toBe(303);
  const [cookie = ''] = response.setCookies.filter((each) => each.startsWith('sessionid='));
  expect(cookie).toMatch(/^sessionid=[\w-]{43};/);
  expect(cookie).not.toContain(planted);
  expect(await victim.isSignedIn()).toBe(true);
  const attacker = environment.visitor();
  await attacker.setCookie(`sessionid=${planted}`);
  expect(await attacker.isSignedIn()).toBe(false);
});

testAftermath(environment);
