import { describe, expect, test } from 'vitest';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer, Visitor } from '../support/visitor.ts';

const environment = useTestEnvironment();

const NO_COOKIE = 'Your browser sent no cookie. Try again; if this repeats, it blocks cookies for this site.';
const NEW_PASSWORD = 'eine ganz neue Losung';

const signedIn = async () => {
  const user = await addUser(environment.cloud);
  return { user, ...(await seedVisitor(environment, user)) };
};
const alertOf = ({ body }: Answer): string | undefined => /role="alert"[^>]*>\s*([^<]+)</.exec(body)?.[1];

describe('a sign-in form without a valid token', () => {
  const fill = async (username: string) => {
    const visitor = environment.worker.visitor();
    const page = await visitor.get('/sign-in/?next=%2Fsessions%2F');
    return { visitor, page, fields: { username, password: PASSWORD, remember_me: 'on' } };
  };

  test.each<[string, (visitor: Visitor) => Promise<unknown>, Record<string, string | undefined>]>([
    ['whose cookie is gone', (visitor) => visitor.jar.removeAllCookies(), {}],
    ['without the field', async () => undefined, { csrfmiddlewaretoken: undefined }],
    [
      'with a wrong field',
      async () => undefined,
      { csrfmiddlewaretoken: `${'A'.repeat(11)}.${'B'.repeat(22)}` },
    ],
    [
      'with the cookie of another form',
      (visitor) => visitor.setCookie(`csrftoken=${'A'.repeat(22)}..${'B'.repeat(22)}; Path=/; Secure`),
      {},
    ],
  ])('%s comes back fresh, filled in but for the password, and then works', async (_, spoil, changes) => {
    const user = await addUser(environment.cloud);
    const { visitor, page, fields } = await fill(user.username);
    await spoil(visitor);
    const answer = await visitor.submit(page, { ...fields, ...changes });
    expect(answer.status).toBe(403);
    expect(answer.setCookies.map((each) => each.split('=')[0])).toEqual(['csrftoken']);
    expect(answer.form?.hidden['next']).toBe('/sessions/');
    expect(answer.body).toContain(`value="${user.username}"`);
    expect(answer.body).toMatch(/name="remember_me"[^>]*checked/);
    expect(answer.body).not.toContain(PASSWORD);
    expect(alertOf(answer)).toMatch(/./);
    expect(await visitor.submit(answer, fields)).toMatchObject({ status: 303, location: '/sessions/' });
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test('says so if the browser sent no cookie, and only then', async () => {
    const { visitor, page, fields } = await fill('ada');
    const wrong = { ...fields, csrfmiddlewaretoken: 'x' };
    expect(alertOf(await visitor.submit(page, wrong))).not.toBe(NO_COOKIE);
    expect(alertOf(await visitor.submit(page, fields, { Cookie: 'theme=dark' }))).toBe(NO_COOKIE);
    expect(alertOf(await visitor.submit(page, fields, { Cookie: undefined }))).toBe(NO_COOKIE);
    const json = await visitor.submit(page, fields, { Cookie: undefined, Accept: 'application/json' });
    expect(JSON.parse(json.body)).toMatchObject({ status: 403, code: 'csrf_failed', detail: NO_COOKIE });
  });

  test('leads on if the visitor has signed in in another tab, to a safe place only', async () => {
    const user = await addUser(environment.cloud);
    const { visitor, page, fields } = await fill(user.username);
    await visitor.signIn(user);
    const token = await visitor.cookie('sessionid');
    expect(await visitor.submit(page, fields)).toMatchObject({
      status: 303,
      location: '/sessions/',
      setCookies: [],
    });
    const evil = { ...fields, next: 'https://evil.example/' };
    expect(await visitor.submit(page, evil)).toMatchObject({ status: 303, location: '/home/' });
    expect(await visitor.cookie('sessionid')).toBe(token);
  });

  test('comes back during an outage of Redis too', async () => {
    const { visitor } = await signedIn();
    environment.cloud.faults.set('redis', { kind: 'refuse' });
    const answer = await visitor.post('/sign-in/', { username: 'ada', password: PASSWORD });
    expect(answer.status).toBe(403);
    expect(answer.form?.action).toBe('/sign-in/');
  });

  test.each([
    ['from another origin', { Origin: 'https://evil.example' }],
    ['without an origin', { Origin: 'null' }],
    ['from another site', { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s is a plain 403, with a valid token as without', async (_, headers) => {
    const { visitor, page, fields } = await fill('ada');
    for (const csrfmiddlewaretoken of [page.csrfToken ?? '', '']) {
      const answer = await visitor.submit(page, { ...fields, csrfmiddlewaretoken }, headers);
      expect(answer).toMatchObject({ status: 403, form: null, setCookies: [] });
    }
  });
});

describe('a form of a signed-in user without a valid token', () => {
  /** The user has signed in anew in another tab, so that the form belongs to a session that was replaced. */
  async function inAnotherTab(path: string) {
    const { user, visitor, session } = await signedIn();
    const page = await visitor.get(path);
    await visitor.jar.removeAllCookies();
    await visitor.signIn(user);
    return { user, visitor, session, page };
  }

  test('Sign out: the page asks, and its button works', async () => {
    const { visitor, page } = await inAnotherTab('/logout/');
    const answer = await visitor.submit(page);
    expect(answer).toMatchObject({ status: 403, form: { action: '/logout/' } });
    expect(alertOf(answer)).toMatch(/./);
    expect(await visitor.isSignedIn()).toBe(true);
    expect(await visitor.submit(answer)).toMatchObject({ status: 303, location: '/' });
    expect(await visitor.isSignedIn()).toBe(false);
  });

  test('Sign out without any CSRF cookie: the page sets one', async () => {
    const { visitor, token } = await signedIn();
    const cookie = `sessionid=${token}`;
    const answer = await visitor.post('/logout/', {}, { Cookie: cookie });
    expect(answer.status).toBe(403);
    expect(answer.setCookies.map((each) => each.split('=')[0])).toEqual(['csrftoken']);
    expect((await visitor.submit(answer)).status).toBe(303);
    expect(await visitor.isSignedIn()).toBe(false);
  });

  test('a device: the list says so, its button works, and nothing ended meanwhile', async () => {
    const { user, visitor, session, page } = await inAnotherTab('/sessions/');
    const answer = await visitor.submit(page, { id: session.id });
    expect(answer).toMatchObject({ status: 403, form: { action: '/sessions/revoke/' } });
    expect(alertOf(answer)).toMatch(/./);
    expect(answer.body).toContain(session.id);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toEqual([]);
    expect((await visitor.submit(answer, { id: session.id })).status).toBe(303);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toMatchObject([
      { session_id: session.id, reason: 'revoked' },
    ]);
  });

  test('the password form comes back without the passwords, and then works', async () => {
    const { visitor, page } = await inAnotherTab('/account/password/');
    const fields = { current_password: PASSWORD, new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
    const answer = await visitor.submit(page, fields);
    expect(answer).toMatchObject({ status: 403, form: { action: '/account/password/' } });
    expect(alertOf(answer)).toMatch(/./);
    for (const each of [PASSWORD, NEW_PASSWORD]) expect(answer.body).not.toContain(each);
    expect(await visitor.submit(answer, fields)).toMatchObject({ status: 303 });
  });

  test.each(['/logout/', '/sessions/revoke/', '/account/password/'])(
    '%s from another site is a plain 403; a program gets a problem',
    async (path) => {
      const { visitor } = await signedIn();
      const fields = { csrfmiddlewaretoken: (await visitor.get('/home/')).csrfToken ?? '', scope: 'all' };
      const headers = { Origin: 'https://evil.example' };
      expect(await visitor.post(path, fields, headers)).toMatchObject({ status: 403, form: null });
      const json = await visitor.post(path, { scope: 'all' }, { Accept: 'application/json' });
      expect(JSON.parse(json.body)).toMatchObject({ status: 403, code: 'csrf_failed' });
      expect(await visitor.isSignedIn()).toBe(true);
    },
  );
});
