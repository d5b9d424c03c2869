import { expect, test } from 'vitest';
import { addUser, loginRows, logoutRows, PASSWORD } from '../support/people.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

test('the form has all its fields and sets csrftoken', async () => {
  const page = await stage.worker.visitor().get('/sign-in/?next=/home/%3Ftab%3D1');
  expect(page.status).toBe(200);
  expect(page.headers.get('Content-Type')).toMatch(/^text\/html/);
  for (const name of ['username', 'password', 'remember_me', 'csrfmiddlewaretoken'])
    expect(page.body).toContain(`name="${name}"`);
  expect(page.body).toContain('name="next" value="/home/?tab=1"');
  expect(page.setCookies).toHaveLength(1);
  expect(page.setCookies[0]).toMatch(/^csrftoken=/);
});

test('signs in, goes home, and the sign-in is recorded', async () => {
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor({ cf: { country: 'NL' }, headers: { 'User-Agent': 'Agent/1.0' } });
  const beforeMs = Date.now();
  const answer = await visitor.signIn(user);
  const afterMs = Date.now();
  expect(answer.location).toBe('/home/');
  const home = await visitor.get('/home/');
  expect(home.status).toBe(200);
  expect(home.body).toContain(`Hello, ${user.username}`);

  await stage.worker.delivered();
  const rows = await loginRows(stage.cloud, user.username);
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
  const [person] = await stage.cloud.query('SELECT last_login_at FROM users WHERE id = ?', [user.id]);
  expect(person?.['last_login_at']).toBe(rows[0]?.['occurred_at']);
});

test('somebody already signed in is sent on, to next or home', async () => {
  const visitor = stage.worker.visitor();
  await visitor.signIn(await addUser(stage.cloud));
  expect(await visitor.get('/sign-in/')).toMatchObject({ status: 302, location: '/home/' });
  expect(await visitor.get('/sign-in/?next=/home/%3Fa%3D1')).toMatchObject({
    status: 302,
    location: '/home/?a=1',
  });
  expect(await visitor.get('/sign-in/?next=https://evil.example/')).toMatchObject({
    status: 302,
    location: '/home/',
  });
});

test('wrong password, unknown name and inactive user get one and the same answer', async () => {
  const user = await addUser(stage.cloud);
  const inactive = await addUser(stage.cloud, { isActive: false });
  const unreadable = await addUser(stage.cloud, {
    passwordHash: 'md5$salt$d41d8cd98f00b204e9800998ecf8427e',
  });
  const messages = new Set<string | undefined>();
  for (const credentials of [
    { ...user, password: 'wrong' },
    { username: 'nobody-at-all', password: PASSWORD },
    inactive,
    unreadable,
    { ...user, username: user.username.toUpperCase() },
    { ...user, username: `${user.username} ` },
    { ...user, password: `${PASSWORD} ` },
  ]) {
    const visitor = stage.worker.visitor();
    const answer = await visitor.trySignIn(credentials);
    expect(answer.status).toBe(401);
    expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
    expect(answer.csrfToken).not.toBeNull();
    expect(answer.body).not.toContain(PASSWORD);
    messages.add(/role="alert"[^>]*>([^<]+)</.exec(answer.body)?.[1]);
    expect(await visitor.isSignedIn()).toBe(false);
  }
  expect([...messages]).toEqual(['Incorrect username or password.']);

  await stage.worker.delivered();
  expect(await loginRows(stage.cloud, user.username)).toMatchObject([
    { outcome: 'bad_credentials', user_id: user.id, session_id: null },
    { outcome: 'bad_credentials', user_id: user.id, session_id: null },
  ]);
  expect(await loginRows(stage.cloud, 'nobody-at-all')).toMatchObject([
    { outcome: 'bad_credentials', user_id: null },
  ]);
  expect(await loginRows(stage.cloud, inactive.username)).toMatchObject([
    { outcome: 'inactive', user_id: inactive.id },
  ]);
});

test('the form comes back usable: name kept and escaped, password not, choice kept', async () => {
  const visitor = stage.worker.visitor();
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
  const user = await addUser(stage.cloud);
  const { username, password } = user;
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
  const visitor = stage.worker.visitor();
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
  const user = await addUser(stage.cloud, { username: '🦊'.repeat(150) });
  const visitor = stage.worker.visitor();
  expect((await visitor.trySignIn({ username: 'x', password: '🦊'.repeat(4096) })).status).toBe(401);
  await visitor.signIn(user);
  expect(await visitor.isSignedIn()).toBe(true);
  expect((await stage.worker.visitor().trySignIn({ ...user, username: '🦊'.repeat(151) })).status).toBe(400);
});

test('a second sign-in replaces the session that came along', async () => {
  const [first, second] = [await addUser(stage.cloud), await addUser(stage.cloud)];
  const visitor = stage.worker.visitor();
  await visitor.signIn(first);
  const oldToken = await visitor.cookie('sessionid');
  // No form is served to a signed-in visitor: this is what a script, or a form of another tab, sends.
  const { username, password } = second;
  const csrfHeader = { 'X-CSRFToken': await visitor.cookie('csrftoken') };
  expect((await visitor.post('/sign-in/', { username, password }, csrfHeader)).status).toBe(303);
  const newToken = await visitor.cookie('sessionid');
  expect(newToken).not.toBe(oldToken);
  expect((await visitor.get('/home/')).body).toContain(`Hello, ${second.username}`);

  const thief = stage.worker.visitor();
  await thief.setCookie(`sessionid=${oldToken}`);
  expect(await thief.isSignedIn()).toBe(false);
  await stage.worker.delivered();
  expect(await logoutRows(stage.cloud, first)).toMatchObject([
    { reason: 'replaced', username: first.username, ip_address: visitor.ipAddress },
  ]);
});

test('a token planted before the sign-in is worth nothing after it', async () => {
  const planted = `${'A'.repeat(42)}A`;
  const victim = stage.worker.visitor();
  await victim.setCookie(`sessionid=${planted}`);
  await victim.signIn(await addUser(stage.cloud));
  expect(await victim.cookie('sessionid')).not.toBe(planted);
  const attacker = stage.worker.visitor();
  await attacker.setCookie(`sessionid=${planted}`);
  expect(await attacker.isSignedIn()).toBe(false);
});
