import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const NEW_PASSWORD = 'eine ganz neue Losung';

const bearer = ({ token }: { token: string }): ApiCaller =>
  new ApiCaller(environment.worker.visitor(), token);
const change = (caller: ApiCaller, newPassword: string, currentPassword = PASSWORD) =>
  caller.put('/password', { current_password: currentPassword, new_password: newPassword });

async function signIn({ username }: TestUser, password: string): Promise<number> {
  const { status } = await new ApiCaller(environment.worker.visitor()).post('/sessions', {
    username,
    password,
  });
  return status;
}

describe('changes it', () => {
  test('by bearer: a new token, the same session, and all others ended', async () => {
    const user = await addUser(environment.cloud);
    const own = await seedSession(environment.cloud, user, { kind: 'bearer', deviceName: 'phone' });
    const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const browser = await seedVisitor(environment, user);
    const stranger = await seedVisitor(environment, await addUser(environment.cloud));
    const { status, body, setCookies } = await change(bearer(own), NEW_PASSWORD);
    expect(status).toBe(200);
    expect(setCookies).toEqual([]);
    expect(body.revoked).toBe(2);
    expect(body.logouts.map((each) => each.reason)).toEqual(['password_changed', 'password_changed']);
    expect(new Set(body.logouts.map((each) => each.session_id))).toEqual(
      new Set([app.session.id, browser.session.id]),
    );

    expect(body.token).not.toBe(own.token);
    for (const dead of [own, app]) expect((await bearer(dead).get('/sessions/current')).status).toBe(401);
    expect(await browser.visitor.isSignedIn()).toBe(false);
    expect(await stranger.visitor.isSignedIn()).toBe(true);
    const { sessions } = (await bearer(body).get('/sessions')).body;
    expect(sessions).toMatchObject([{ id: own.session.id, current: true, device_name: 'phone' }]);
    expect(await signIn(user, PASSWORD)).toBe(401);
    expect(await signIn(user, NEW_PASSWORD)).toBe(201);

    await environment.worker.delivered();
    const rows = await logoutRows(environment.cloud, user);
    expect(new Set(rows.map((row) => row['id']))).toEqual(new Set(body.logouts.map((each) => each.id)));
    // Replacing a token ends no session.
    expect(rows).toHaveLength(2);
  });

  test('by cookie: new cookies, and the old ones refused', async () => {
    const user = await addUser(environment.cloud);
    const { visitor, session, token } = await seedVisitor(environment, user, { rememberMe: true });
    const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const oldCsrf = await visitor.cookie('csrftoken');
    const { status, body, setCookies } = await change(new ApiCaller(visitor), NEW_PASSWORD);
    expect(status).toBe(200);
    expect(body.token).toBeUndefined();
    expect(body.logouts).toMatchObject([{ session_id: app.session.id, reason: 'password_changed' }]);
    expect(setCookies.map((each) => each.split('=')[0])).toEqual(['sessionid', 'csrftoken']);
    for (const each of setCookies) expect(each).toMatch(/; Max-Age=\d+; /);
    expect(await visitor.cookie('csrftoken')).not.toBe(oldCsrf);

    const thief = environment.worker.visitor();
    await thief.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect(await thief.isSignedIn()).toBe(false);
    const caller = new ApiCaller(visitor);
    expect((await caller.get('/sessions/current')).body.session.id).toBe(session.id);
    const stale = await caller.delete('/sessions/current', { headers: { 'X-CSRFToken': oldCsrf } });
    expect(stale.status).toBe(403);
    expect((await caller.delete('/sessions/current')).body.revoked).toBe(1);
  });

  test.each([
    ['the fewest characters', 'drück öl'],
    ['the most characters, all outside the BMP', '🦊'.repeat(256)],
    ['spaces around, a NUL and text that is not normalised', '  e\u0301\0 nfd blanks  '],
  ])('to %s', async (_, password) => {
    const user = await addUser(environment.cloud);
    expect(
      (await change(bearer(await seedSession(environment.cloud, user, { kind: 'bearer' })), password)).status,
    ).toBe(200);
    expect(await signIn(user, password)).toBe(201);
    // Nothing was trimmed, cut or normalised.
    const shorter = [...password.trim().normalize('NFC')].slice(0, -1).join('');
    expect(await signIn(user, shorter)).toBe(401);
  });

  test('two at once: the one that gets a 200 is the one that counts', async () => {
    const user = await addUser(environment.cloud);
    const apps = await Promise.all(
      [1, 2].map(() => seedSession(environment.cloud, user, { kind: 'bearer' })),
    );
    const passwords = ['the first of two words', 'the second of two words'];
    const responses = await Promise.all(apps.map((app, i) => change(bearer(app), passwords[i] ?? '')));
    const [won, lost] = responses.map((response) => response.status).sort();
    expect(won).toBe(200);
    // Ended by the other, or unsure whether the current password was still right.
    expect([401, 503]).toContain(lost);
    const winner = responses.findIndex((response) => response.status === 200);
    expect(await signIn(user, passwords[winner] ?? '')).toBe(201);
    expect((await bearer({ token: responses[winner]?.body.token ?? '' }).get('/sessions')).status).toBe(200);
  });
});

describe('refuses', () => {
  test.each<[string, string, string?]>([
    ['seven characters', 'zwölf-7'],
    ['seven of more bytes', '🦊'.repeat(7)],
    ['257 characters', 'p'.repeat(257)],
    ['nothing', ''],
    ['the username', 'long-user-name', 'long-user-name'],
    ['the username in capitals', 'LONG-USER-NAME-2', 'long-user-name-2'],
    ['a common password', 'password1'],
    ['another common password', 'iloveyou1'],
    ['a common password in capitals', 'BaseBall'],
    ['digits in a row', '123456789'],
    ['half a character', 'long enough \ud83e'],
  ])('%s: 400 that names new_password, and nothing changes', async (_, password, username) => {
    const user = await addUser(environment.cloud, username === undefined ? {} : { username });
    const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const { status, body } = await change(bearer(app), password);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ field: 'new_password' }]);
    expect((await bearer(app).get('/sessions/current')).status).toBe(200);
  });

  test.each<[string, string[], unknown]>([
    ['nothing', ['current_password', 'new_password'], {}],
    ['no current password', ['current_password'], { new_password: NEW_PASSWORD }],
  ])('%s: 400, each field named', async (_, fields, json) => {
    const app = await seedSession(environment.cloud, await addUser(environment.cloud), { kind: 'bearer' });
    const { status, body } = await bearer(app).put('/password', json);
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.field)).toEqual(fields);
  });

  test('a wrong current password: 401, all sessions stay; after ten of them 429', async () => {
    const user = await addUser(environment.cloud);
    const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const other = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const caller = bearer(app);
    for (let i = 0; i < 10; i += 1) {
      const { status, body } = await change(caller, NEW_PASSWORD, `wrong ${i}`);
      expect(status).toBe(401);
      // Not the code of an ended session.
      expect(body.code).toBe('wrong_current_password');
    }
    const { status, headers } = await change(caller, NEW_PASSWORD);
    expect(status).toBe(429);
    expect(Number(headers.get('Retry-After'))).toBeLessThanOrEqual(900);
    for (const each of [app, other]) expect((await bearer(each).get('/sessions/current')).status).toBe(200);
    expect(await signIn(user, PASSWORD)).toBe(201);
  });

  test('an ended session: 401, and the password stays', async () => {
    const user = await addUser(environment.cloud);
    const caller = bearer(await seedSession(environment.cloud, user, { kind: 'bearer' }));
    await caller.delete('/sessions/current');
    const { status, body } = await change(caller, NEW_PASSWORD);
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'not_signed_in' });
    expect(await signIn(user, PASSWORD)).toBe(201);
  });
});
