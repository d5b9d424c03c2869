import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, eventually, logoutRows, PASSWORD, type TestUser } from '../support/people.ts';
import { seedLater, seedPrevious, type PreviousChoice } from '../support/previous-record.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';
import type { Visitor } from '../support/visitor.ts';

// The built Worker among sessions that the release before began (record version 1), as they are there for up to 30
// days after a deployment.

const LIMIT = 4;
const stage = useStage({ MAX_SESSIONS_PER_USER: String(LIMIT) });

async function browserWith(token: string): Promise<Visitor> {
  const visitor = stage.worker.visitor();
  await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
  return visitor;
}

async function previousVisitor(user: TestUser, choice: PreviousChoice = {}) {
  const seeded = await seedPrevious(stage.cloud, user, choice);
  return { ...seeded, visitor: await browserWith(seeded.token) };
}

/** A browser and an app of the release before, and one of each of this. */
async function fourDevices() {
  const user = await addUser(stage.cloud);
  const nowMs = Date.now();
  const browser = await previousVisitor(user, { createdAtMs: nowMs - 4000 });
  const app = await seedPrevious(stage.cloud, user, { kind: 'bearer', createdAtMs: nowMs - 3000 });
  const newBrowser = await seedVisitor(stage, user, { createdAtMs: nowMs - 2000 });
  const newApp = await seedSession(stage.cloud, user, { kind: 'bearer', createdAtMs: nowMs - 1000 });
  return { user, browser, app, newBrowser, newApp };
}

const api = (token: string): ApiCaller => new ApiCaller(stage.worker.visitor(), token);
const isAppOpen = async (token: string): Promise<boolean> =>
  (await api(token).get('/sessions/current')).status === 200;

const recordOf = async ({ tokenHash }: { tokenHash: string }): Promise<unknown[]> =>
  JSON.parse((await stage.cloud.redis.get(`session:${tokenHash}`)) ?? '[]') as unknown[];

async function rowsOf(user: TestUser) {
  await stage.worker.delivered();
  return logoutRows(stage.cloud, user);
}

/** Session and reason of each row, in a stable order. */
const endedOf = async (user: TestUser): Promise<string[]> =>
  (await rowsOf(user)).map((row) => `${String(row['session_id'])} ${String(row['reason'])}`).sort();

describe('is the session that it was', () => {
  test('for a browser: its page, its list, its sign-out with one row', async () => {
    const { user, browser, app, newBrowser, newApp } = await fourDevices();
    const { visitor } = browser;
    const home = await visitor.get('/home/');
    expect(home.status).toBe(200);
    expect(home.body).toContain('203.0.113.7');
    for (const one of [visitor, newBrowser.visitor]) {
      const { body } = await one.get('/sessions/');
      const ids = [...body.matchAll(/name="id" value="([^"]+)"/g)].map((match) => match[1]);
      expect(ids).toEqual([newApp.session.id, newBrowser.session.id, app.id, browser.id]);
    }
    const fromMs = Date.now();
    expect(await visitor.submit(home)).toMatchObject({ status: 303, location: '/' });
    const untilMs = Date.now();
    expect(await (await browserWith(browser.token)).isSignedIn()).toBe(false);
    const rows = await rowsOf(user);
    expect(rows).toMatchObject([
      {
        username: user.username,
        session_id: browser.id,
        reason: 'logout',
        ip_address: visitor.ipAddress,
      },
    ]);
    expect(String(rows[0]?.['user_id'])).toBe(user.id);
    const [version, id, userId, reason, endedAtMs] = await recordOf(browser);
    expect([version, id, userId, reason]).toEqual([0, browser.id, user.id, 'logout']);
    expect(endedAtMs).toBeGreaterThanOrEqual(fromMs);
    expect(endedAtMs).toBeLessThanOrEqual(untilMs);
    const [at] = await stage.cloud.query(
      'SELECT CAST(logged_out_at AS CHAR) AS at FROM logout_activity WHERE session_id = ?',
      [browser.id],
    );
    expect(Date.parse(`${String(at?.['at']).replace(' ', 'T')}Z`)).toBe(endedAtMs);
    expect(await isAppOpen(app.token)).toBe(true);
  });

  test('for an app: who it is, its list, its sign-out with one row', async () => {
    const { user, browser, app, newBrowser, newApp } = await fourDevices();
    const current = await api(app.token).get('/sessions/current');
    const [, , , , , , createdAtMs, , expiresAtMs] = JSON.parse(app.record) as number[];
    expect(current.body).toMatchObject({
      user: { id: user.id, username: user.username },
      session: {
        id: app.id,
        kind: 'bearer',
        created_at: new Date(createdAtMs!).toISOString(),
        expires_at: new Date(expiresAtMs!).toISOString(),
        device_name: null,
        remember_me: false,
      },
    });
    const ids = [newApp.session.id, newBrowser.session.id, app.id, browser.id];
    for (const { token } of [app, newApp]) {
      const { sessions } = (await api(token).get('/sessions')).body;
      expect(sessions.map(({ id }) => id)).toEqual(ids);
    }
    expect((await api(app.token).delete('/sessions/current')).status).toBe(200);
    expect(await isAppOpen(app.token)).toBe(false);
    expect(await endedOf(user)).toEqual([`${app.id} logout`]);
    expect(await browser.visitor.isSignedIn()).toBe(true);
  });

  test.each([
    { rememberMe: false, idleSeconds: 7200 },
    { rememberMe: true, idleSeconds: 1_209_600 },
  ])('and use keeps it alive, in the present form (%o)', async ({ rememberMe, idleSeconds }) => {
    const user = await addUser(stage.cloud);
    const createdAtMs = Date.now() - 3_600_000;
    const lastSeenAtMs = Date.now() - 600_000;
    const seeded = await previousVisitor(user, { rememberMe, createdAtMs, lastSeenAtMs });
    expect(await stage.cloud.redis.ttl(`session:${seeded.tokenHash}`)).toBeLessThan(idleSeconds - 500);
    expect(await seeded.visitor.isSignedIn()).toBe(true);
    await eventually(async () => expect((await recordOf(seeded))[0]).toBe(2));
    expect(await stage.cloud.redis.ttl(`session:${seeded.tokenHash}`)).toBeGreaterThan(idleSeconds - 60);
    expect((await recordOf(seeded)).slice(1, 7)).toEqual(
      (JSON.parse(seeded.record) as unknown[]).slice(1, 7),
    );
    expect(await seeded.visitor.isSignedIn()).toBe(true);
  });

  test.each<[string, number, number]>([
    ['idle life', 8_000_000, 7_200_001],
    ['absolute end', 86_400_001, 1000],
  ])('and is over at its %s, without a row', async (_, ageMs, idleMs) => {
    const user = await addUser(stage.cloud);
    const [createdAtMs, lastSeenAtMs] = [Date.now() - ageMs, Date.now() - idleMs];
    const { visitor } = await previousVisitor(user, { createdAtMs, lastSeenAtMs });
    const app = await seedPrevious(stage.cloud, user, { kind: 'bearer', createdAtMs, lastSeenAtMs });
    expect(await visitor.isSignedIn()).toBe(false);
    expect(await isAppOpen(app.token)).toBe(false);
    const asking = await seedSession(stage.cloud, user, { kind: 'bearer' });
    expect((await api(asking.token).get('/sessions')).body.sessions).toHaveLength(1);
    expect(await rowsOf(user)).toEqual([]);
  });

  test('and what was ended before stays so', async () => {
    const user = await addUser(stage.cloud);
    const { visitor, id, tokenHash } = await previousVisitor(user);
    const left = `[0,"${id}","${user.id}","revoked",${Date.now() - 1000},"198.51.100.9"]`;
    await stage.cloud.redis.set(`session:${tokenHash}`, left, 'EX', 1000);
    await stage.cloud.redis.hdel(`user-sessions:${user.id}`, id);
    expect(await visitor.isSignedIn()).toBe(false);
    expect(stage.worker.logs.join('\n')).toContain('198.51.100.9');
    expect(await rowsOf(user)).toEqual([]);
  });
});

describe('ends and is ended across the versions', () => {
  test('one by one, in both directions', async () => {
    const { user, browser, app, newBrowser, newApp } = await fourDevices();
    const press = async ({ visitor }: { visitor: Visitor }, id: string) => {
      const { csrfToken } = await visitor.get('/sessions/');
      return visitor.post('/sessions/revoke/', { csrfmiddlewaretoken: csrfToken ?? '', id });
    };
    expect((await press(browser, newApp.session.id)).status).toBe(303);
    expect((await press(newBrowser, app.id)).status).toBe(303);
    expect(await Promise.all([app, newApp].map(({ token }) => isAppOpen(token)))).toEqual([false, false]);
    expect((await press(newBrowser, browser.id)).status).toBe(303);
    expect(await browser.visitor.isSignedIn()).toBe(false);
    expect(await endedOf(user)).toEqual(
      [app.id, newApp.session.id, browser.id].map((id) => `${id} revoked`).sort(),
    );
  });

  test.each(['app', 'newApp'] as const)('all others, from the %s', async (from) => {
    const devices = await fourDevices();
    const { user, browser, app, newBrowser, newApp } = devices;
    expect((await api(devices[from].token).delete('/sessions?scope=others')).status).toBe(200);
    expect(await isAppOpen(app.token)).toBe(from === 'app');
    expect(await isAppOpen(newApp.token)).toBe(from === 'newApp');
    const ended = [browser.id, newBrowser.session.id, from === 'app' ? newApp.session.id : app.id];
    expect(await endedOf(user)).toEqual(ended.map((id) => `${id} logout_others`).sort());
  });

  test.each(['app', 'newApp'] as const)(
    'everywhere, from the %s, and what a later release wrote with them',
    async (from) => {
      const devices = await fourDevices();
      const { user, browser, app, newBrowser, newApp } = devices;
      const later = await seedLater(stage.cloud, user);
      expect(await (await browserWith(later.token)).isSignedIn()).toBe(false);
      const caller = api(devices[from].token);
      expect((await caller.get('/sessions')).body.sessions).toHaveLength(4);
      expect((await caller.delete('/sessions?scope=all')).status).toBe(200);
      const ids = [browser.id, app.id, newBrowser.session.id, newApp.session.id, later.id];
      expect(await endedOf(user)).toEqual(ids.map((id) => `${id} logout_all`).sort());
      expect((await recordOf(later))[0]).toBe(0);
      expect(await browser.visitor.isSignedIn()).toBe(false);
      expect(await newBrowser.visitor.isSignedIn()).toBe(false);
    },
  );

  test.each(['browser', 'newBrowser'] as const)('by a changed password, from the %s', async (from) => {
    const devices = await fourDevices();
    const { user, browser, newBrowser } = devices;
    const { visitor } = devices[from];
    const other = from === 'browser' ? newBrowser : browser;
    const next = 'eine ganz neue Losung';
    const fields = { current_password: PASSWORD, new_password: next, confirm_password: next };
    const answer = await visitor.submit(await visitor.get('/account/password/'), fields);
    expect(answer.status).toBe(303);
    expect(await visitor.isSignedIn()).toBe(true);
    expect(await other.visitor.isSignedIn()).toBe(false);
    const reasons = (await endedOf(user)).map((each) => each.split(' ')[1]);
    expect(reasons).toEqual(['password_changed', 'password_changed', 'password_changed']);
    expect((await visitor.logOut()).status).toBe(303);
    const own = from === 'browser' ? browser.id : newBrowser.session.id;
    expect(await endedOf(user)).toContain(`${own} logout`);
  });

  test('beyond the limit, the oldest of both first', async () => {
    const { user, browser, app, newBrowser } = await fourDevices();
    for (let i = 0; i < 3; i += 1) await stage.worker.visitor().signIn(user);
    const ended = [browser.id, app.id, newBrowser.session.id];
    expect(await endedOf(user)).toEqual(ended.map((id) => `${id} evicted`).sort());
  });

  test('at the sign-in that it comes along with', async () => {
    const { user, browser } = await fourDevices();
    const { csrfToken } = await browser.visitor.get('/home/');
    const { username, password } = user;
    const fields = { username, password, csrfmiddlewaretoken: csrfToken ?? '' };
    expect((await browser.visitor.post('/sign-in/', fields)).status).toBe(303);
    expect(await endedOf(user)).toEqual([`${browser.id} replaced`]);
    expect(await browser.visitor.isSignedIn()).toBe(true);
    expect(await (await browserWith(browser.token)).isSignedIn()).toBe(false);
  });
});
