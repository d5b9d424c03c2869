import { describe, expect, test } from 'vitest';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { decodeEntities, type Answer } from '../support/visitor.ts';

const environment = useTestEnvironment();

const PATH = '/account/password/';
const NEW_PASSWORD = 'eine ganz neue Losung';
const FIELDS = { current_password: PASSWORD, new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };

/** What the page says about each field that is marked as wrong. */
function fieldErrors({ body }: Answer): Record<string, string> {
  const found = [...body.matchAll(/<p class="field-error" id="(\w+)-error">([^<]*)</g)];
  return Object.fromEntries(found.map(([, field = '', text = '']) => [field, decodeEntities(text)]));
}

test('the form has three fields, and is for signed-in users alone', async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  const page = await visitor.get(PATH);
  expect(page.status).toBe(200);
  for (const name of Object.keys(FIELDS))
    expect(page.body).toMatch(new RegExp(`name="${name}" type="password"`));
  expect(page.body).toContain('autocomplete="current-password"');
  expect(page.body).toContain('autocomplete="new-password"');
  expect(page.csrfToken).not.toBeNull();
  const location = '/sign-in/?next=%2Faccount%2Fpassword%2F';
  expect(await environment.worker.visitor().get(PATH)).toMatchObject({ status: 302, location });
  const post = await environment.worker.visitor().post(PATH, FIELDS);
  expect(post.location).toBe(location);
  expect([302, 303]).toContain(post.status);
});

test.each([true, false])(
  'changes it: new cookies, the same session, all others ended (remembered: %s)',
  async (rememberMe) => {
    const user = await addUser(environment.cloud);
    const { visitor, session, token } = await seedVisitor(environment, user, { rememberMe });
    const other = await seedVisitor(environment, user);
    const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const page = await visitor.get(PATH);
    const oldCsrf = await visitor.cookie('csrftoken');
    const response = await visitor.submit(page, FIELDS);
    expect(response.status).toBe(303);
    expect(response.setCookies.map((each) => each.split('=')[0]).sort()).toEqual(['csrftoken', 'sessionid']);
    for (const each of response.setCookies) {
      expect(each).toMatch(/; Path=\/; (?:HttpOnly; )?Secure; SameSite=Lax$/);
      expect(each.includes('Max-Age=')).toBe(rememberMe);
    }
    expect(await visitor.cookie('sessionid')).not.toBe(token);
    expect(await visitor.cookie('csrftoken')).not.toBe(oldCsrf);
    const list = await visitor.get(response.location ?? '');
    expect(list.status).toBe(200);
    expect(list.body).toContain('role="status"');
    expect(list.body).toContain(session.id);

    const thief = environment.worker.visitor();
    await thief.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect(await thief.isSignedIn()).toBe(false);
    expect(await other.visitor.isSignedIn()).toBe(false);
    const headers = { Authorization: `Bearer ${app.token}` };
    expect((await environment.worker.visitor().get('/api/v1/sessions/current', headers)).status).toBe(401);

    expect((await environment.worker.visitor().trySignIn(user)).status).toBe(401);
    await environment.worker.visitor().signIn({ ...user, password: NEW_PASSWORD });
    await environment.worker.delivered();
    const rows = await logoutRows(environment.cloud, user);
    expect(rows.map((row) => row['reason'])).toEqual(['password_changed', 'password_changed']);
    expect(new Set(rows.map((row) => row['session_id']))).toEqual(
      new Set([other.session.id, app.session.id]),
    );
    // The page from before the change has the token of the old session.
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: page.csrfToken ?? '' })).status).toBe(403);
    expect((await visitor.logOut()).status).toBe(303);
  },
);

describe('shows what is wrong', () => {
  test.each<[string, string[], Record<string, string>]>([
    ['no current password', ['current_password'], { current_password: '' }],
    ['no new password', ['new_password'], { new_password: '', confirm_password: '' }],
    ['too short', ['new_password'], { new_password: 'seven 7', confirm_password: 'seven 7' }],
    ['too long', ['new_password'], { new_password: 'p'.repeat(257), confirm_password: 'p' }],
    ['too common', ['new_password'], { new_password: 'Password1', confirm_password: 'Password1' }],
    ['not the same twice', ['confirm_password'], { confirm_password: `${NEW_PASSWORD} ` }],
  ])('%s: 400', async (_, fields, changes) => {
    const user = await addUser(environment.cloud);
    const { visitor, token } = await seedVisitor(environment, user);
    const other = await seedVisitor(environment, user);
    const page = await visitor.get(PATH);
    const response = await visitor.submit(page, { ...FIELDS, ...changes });
    expect(response.status).toBe(400);
    expect(Object.keys(fieldErrors(response))).toEqual(expect.arrayContaining(fields));
    expect(response.body).toMatch(new RegExp(`name="${fields[0]}"[^>]* aria-invalid="true"`));
    expect(response.body).not.toContain(PASSWORD);
    expect(response.body).not.toContain(NEW_PASSWORD);
    expect(await visitor.cookie('sessionid')).toBe(token);
    expect(await other.visitor.isSignedIn()).toBe(true);
    // The form on the error page works.
    expect((await visitor.submit(response, FIELDS)).status).toBe(303);
  });

  test('the username itself: 400', async () => {
    const user = await addUser(environment.cloud, { username: 'a-long-user-name' });
    const { visitor } = await seedVisitor(environment, user);
    const password = 'A-Long-User-Name';
    const fields = { ...FIELDS, new_password: password, confirm_password: password };
    const response = await visitor.submit(await visitor.get(PATH), fields);
    expect(response.status).toBe(400);
    expect(Object.keys(fieldErrors(response))).toEqual(['new_password']);
  });

  test('a wrong current password: 401 beside its field; after ten of them 429', async () => {
    const user = await addUser(environment.cloud);
    const { visitor } = await seedVisitor(environment, user);
    let page = await visitor.get(PATH);
    for (let i = 0; i < 10; i += 1) {
      page = await visitor.submit(page, { ...FIELDS, current_password: `wrong ${i}` });
      expect(page.status).toBe(401);
      expect(Object.keys(fieldErrors(page))).toEqual(['current_password']);
    }
    const refused = await visitor.submit(page, FIELDS);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(refused.body).toContain('role="alert"');
    expect(await visitor.isSignedIn()).toBe(true);
    await environment.worker.visitor().signIn(user);
  });

  test('as a problem to clients that prefer JSON', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const page = await visitor.get(PATH);
    const fields = { ...FIELDS, new_password: 'short', confirm_password: 'short' };
    const response = await visitor.submit(page, fields, { Accept: 'application/json' });
    expect(response.status).toBe(400);
    expect(JSON.parse(response.body)).toMatchObject({ errors: [{ field: 'new_password' }] });
  });
});

test.each<[string, Record<string, string>, Record<string, string | undefined>]>([
  ['without a token', { csrfmiddlewaretoken: '' }, {}],
  ['from another origin', {}, { Origin: 'https://evil.example' }],
  ['from another site', {}, { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
])('%s: 403, and the password stays', async (_, fields, headers) => {
  const user = await addUser(environment.cloud);
  const { visitor } = await seedVisitor(environment, user);
  const response = await visitor.submit(await visitor.get(PATH), { ...FIELDS, ...fields }, headers);
  expect(response).toMatchObject({ status: 403, setCookies: [] });
  await environment.worker.visitor().signIn(user);
});

test('an ended session: to the sign-in page', async () => {
  const user = await addUser(environment.cloud);
  const { visitor, token } = await seedVisitor(environment, user);
  const page = await visitor.get(PATH);
  await visitor.logOut();
  await visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
  expect((await visitor.submit(page, FIELDS)).location).toBe('/sign-in/?next=%2Faccount%2Fpassword%2F');
  await environment.worker.visitor().signIn(user);
});
