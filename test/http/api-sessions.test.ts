import { describe, expect, test } from 'vitest';
import { encodeSession } from '../../src/session/record.ts';
import type { Session } from '../../src/session/session.ts';
import { ApiCaller } from '../support/api.ts';
import { ownCookies } from '../support/own-cookies.ts';
import { addUser, logoutRows, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor, type SeededSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const bearer = ({ token }: { token: string }): ApiCaller =>
  new ApiCaller(environment.worker.visitor(), token);

/** A user with an app, another app and a browser, the oldest first. */
async function threeDevices() {
  const user = await addUser(environment.cloud);
  const nowMs = Date.now();
  const app = await seedSession(environment.cloud, user, { kind: 'bearer', createdAtMs: nowMs - 3000 });
  const tablet = await seedSession(environment.cloud, user, { kind: 'bearer', createdAtMs: nowMs - 2000 });
  const browser = await seedVisitor(environment, user, { createdAtMs: nowMs - 1000 });
  return { user, app, tablet, browser };
}

async function isOpen({ token, session }: SeededSession): Promise<boolean> {
  const visitor = environment.worker.visitor();
  const caller =
    session.kind === 'bearer' ? new ApiCaller(visitor, token) : new ApiCaller(visitor, undefined);
  const headers = session.kind === 'bearer' ? {} : { Cookie: `sessionid=${token}` };
  return (await caller.get('/sessions/current', { headers })).status === 200;
}

/** Expects this user's rows to be those of the receipt. */
async function expectRows(
  user: TestUser,
  receipt: { id: string; session_id: string; reason: string; logged_out_at: string }[],
): Promise<void> {
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  const asReceipt = rows.map((row) => ({
    id: row['id'],
    session_id: row['session_id'],
    reason: row['reason'],
    logged_out_at: new Date(`${String(row['logged_out_at']).replace(' ', 'T')}Z`).toISOString(),
  }));
  const byId = (a: { id: unknown }, b: { id: unknown }) => String(a.id).localeCompare(String(b.id));
  expect(asReceipt.sort(byId)).toEqual([...receipt].sort(byId));
}

describe('GET /sessions', () => {
  test('lists all of this user, newest first, the current one marked', async () => {
    const { app, tablet, browser } = await threeDevices();
    await seedSession(environment.cloud, await addUser(environment.cloud), { kind: 'bearer' });
    const list = (await bearer(tablet).get('/sessions')).body.sessions;
    expect(list.map(({ id, current, kind }) => ({ id, current, kind }))).toEqual([
      { id: browser.session.id, current: false, kind: 'cookie' },
      { id: tablet.session.id, current: true, kind: 'bearer' },
      { id: app.session.id, current: false, kind: 'bearer' },
    ]);
    const seen = (await new ApiCaller(browser.visitor).get('/sessions')).body.sessions;
    expect(seen.filter((each) => each.current).map((each) => each.id)).toEqual([browser.session.id]);
    for (const { token, tokenHash } of [app, tablet, browser]) {
      expect(JSON.stringify(list)).not.toContain(token);
      expect(JSON.stringify(list)).not.toContain(tokenHash);
    }
  });

  test('leaves out sessions that expired, were idle too long or have no record', async () => {
    const user = await addUser(environment.cloud);
    const nowMs = Date.now();
    const asking = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const gone = await seedSession(environment.cloud, user);
    await environment.cloud.redis.del(`session:${gone.tokenHash}`);
    const old = await seedSession(environment.cloud, user);
    const idle = await seedSession(environment.cloud, user);
    const rewrite = async ({ tokenHash, session }: SeededSession, changes: Partial<Session>) => {
      const record = encodeSession({ ...session, ...changes });
      await environment.cloud.redis.set(`session:${tokenHash}`, record, 'EX', 1000);
    };
    // Over by the rules, though their TTL is longer.
    await rewrite(old, { expiresAtMs: nowMs - 1 });
    await rewrite(idle, { lastSeenAtMs: nowMs - 7_200_001 });
    const { body } = await bearer(asking).get('/sessions');
    expect(body.sessions.map((each) => each.id)).toEqual([asking.session.id]);
    for (const each of [gone, old, idle]) expect(await isOpen(each)).toBe(false);
  });
});

describe('DELETE /sessions/{id}', () => {
  test('ends another device', async () => {
    const { user, app, tablet, browser } = await threeDevices();
    const { status, body } = await bearer(app).delete(`/sessions/${browser.session.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      revoked: 1,
      logouts: [{ session_id: browser.session.id, reason: 'revoked' }],
    });
    expect(await Promise.all([app, tablet, browser].map(isOpen))).toEqual([true, true, false]);
    await expectRows(user, body.logouts);
    // It ends once.
    expect((await bearer(app).delete(`/sessions/${browser.session.id}`)).status).toBe(404);
    await expectRows(user, body.logouts);
  });

  test("of the bearer's own session signs it out", async () => {
    const { user, app } = await threeDevices();
    const { body, setCookies } = await bearer(app).delete(`/sessions/${app.session.id}`);
    expect(body).toMatchObject({ revoked: 1, logouts: [{ session_id: app.session.id, reason: 'logout' }] });
    expect(setCookies).toEqual([]);
    expect(await isOpen(app)).toBe(false);
    await expectRows(user, body.logouts);
  });

  test("of the cookie's own session signs it out and expires both cookies", async () => {
    const { browser } = await threeDevices();
    const { body, setCookies } = await new ApiCaller(browser.visitor).delete(
      `/sessions/${browser.session.id}`,
    );
    expect(body.logouts.map((each) => each.reason)).toEqual(['logout']);
    expect(ownCookies(setCookies).map((each) => each.split('=')[0])).toEqual(['csrftoken', 'sessionid']);
    expect(await browser.visitor.cookie('sessionid')).toBeUndefined();
  });

  test('of another device by cookie keeps the cookies', async () => {
    const { browser, app } = await threeDevices();
    const { status, setCookies } = await new ApiCaller(browser.visitor).delete(`/sessions/${app.session.id}`);
    expect({ status, setCookies }).toEqual({ status: 200, setCookies: [] });
    expect(await browser.visitor.isSignedIn()).toBe(true);
  });

  test("another user's is a 404 like an unknown one, and nothing changes", async () => {
    const mine = await threeDevices();
    const theirs = await threeDevices();
    const caller = bearer(mine.app);
    const responses = [];
    for (const id of [
      theirs.tablet.session.id,
      '0'.repeat(26),
      'x',
      '-',
      '%00',
      '..%2Fcurrent',
      '%ff',
      'others',
      'everywhere',
      theirs.tablet.tokenHash,
      mine.tablet.token,
    ]) {
      const { status, body } = await caller.delete(`/sessions/${id}`);
      expect(status, id).toBe(404);
      responses.push(JSON.stringify({ ...body, request_id: '' }));
    }
    expect(new Set(responses).size).toBe(1);
    for (const { app, tablet, browser } of [mine, theirs])
      expect(await Promise.all([app, tablet, browser].map(isOpen))).toEqual([true, true, true]);
    await expectRows(theirs.user, []);
  });
});

describe('DELETE /sessions?scope=', () => {
  test('others ends all but the current one', async () => {
    const { user, app, tablet, browser } = await threeDevices();
    const stranger = await threeDevices();
    const { status, body } = await bearer(tablet).delete('/sessions?scope=others');
    expect(status).toBe(200);
    expect(body.revoked).toBe(2);
    expect(new Set(body.logouts.map((each) => each.session_id))).toEqual(
      new Set([app.session.id, browser.session.id]),
    );
    expect(body.logouts.map((each) => each.reason)).toEqual(['logout_others', 'logout_others']);
    expect(await Promise.all([app, tablet, browser].map(isOpen))).toEqual([false, true, false]);
    await expectRows(user, body.logouts);
    expect(await isOpen(stranger.app)).toBe(true);
    expect((await bearer(tablet).delete('/sessions?scope=others')).body).toEqual({ revoked: 0, logouts: [] });
  });

  test('all ends the current one too; by cookie both cookies expire', async () => {
    const { user, app, tablet, browser } = await threeDevices();
    const caller = new ApiCaller(browser.visitor);
    const { body, setCookies } = await caller.delete('/sessions?scope=all');
    expect(body.revoked).toBe(3);
    expect(body.logouts.map((each) => each.reason)).toEqual(Array(3).fill('logout_all'));
    expect(ownCookies(setCookies)).toHaveLength(2);
    for (const each of ownCookies(setCookies))
      expect(each).toMatch(/^\w+=; Max-Age=0; Expires=Thu, 01 Jan 1970/);
    expect(await Promise.all([app, tablet, browser].map(isOpen))).toEqual([false, false, false]);
    await expectRows(user, body.logouts);
    expect((await bearer(app).delete('/sessions?scope=all')).status).toBe(401);
    await expectRows(user, body.logouts);
  });

  test.each(['', '?scope=', '?scope=everyone', '?scope=ALL', '?scope=all&scope=others', '?Scope=all'])(
    '"%s": 400 that names scope, and nothing changes',
    async (query) => {
      const { app, tablet, browser } = await threeDevices();
      const { status, body } = await bearer(app).delete(`/sessions${query}`);
      expect(status).toBe(400);
      expect(body.errors.map((error) => error.field)).toEqual(['scope']);
      expect(await Promise.all([app, tablet, browser].map(isOpen))).toEqual([true, true, true]);
    },
  );
});
