import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { ownCookies } from '../support/own-cookies.ts';
import { addUser, eventually, logoutRows } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

const PATH = '/sessions/current';
const NOTHING = { revoked: 0, logouts: [] };

const bearer = (token?: string): ApiCaller => new ApiCaller(stage.worker.visitor(), token);

describe('by bearer', () => {
  test('a receipt whose id is the key of the row; a second time nothing is left to end', async () => {
    const user = await addUser(stage.cloud);
    const { token, session } = await seedSession(stage.cloud, user, { kind: 'bearer' });
    const caller = bearer(token);
    const beforeMs = Date.now();
    const { status, body, setCookies } = await caller.delete(PATH);
    expect(status).toBe(200);
    expect(setCookies).toEqual([]);
    expect(body).toMatchObject({ revoked: 1, logouts: [{ session_id: session.id, reason: 'logout' }] });
    const [logout] = body.logouts;
    expect(Date.parse(logout?.logged_out_at ?? '')).toBeGreaterThanOrEqual(beforeMs);
    // Nothing but the answer is waited for: the row comes by itself.
    await eventually(async () => expect(await logoutRows(stage.cloud, user)).toHaveLength(1));
    expect(await logoutRows(stage.cloud, user)).toMatchObject([
      { id: logout?.id, session_id: session.id, reason: 'logout', ip_address: caller.visitor.ipAddress },
    ]);

    expect((await caller.get(PATH)).status).toBe(401);
    expect(await caller.delete(PATH)).toMatchObject({ status: 200, body: NOTHING });
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });

  test('a token that was never given out is no error either, whatever its form', async () => {
    for (const token of [`${'A'.repeat(42)}A`, 'nonsense', 'A'.repeat(4000)]) {
      expect(await bearer(token).delete(PATH)).toMatchObject({ status: 200, body: NOTHING });
    }
  });

  test("a cookie's token is not one: nothing ends", async () => {
    const { token, visitor } = await seedVisitor(stage, await addUser(stage.cloud));
    expect(await bearer(token).delete(PATH)).toMatchObject({ status: 200, body: NOTHING });
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test('no credential, or one of another scheme: 401', async () => {
    expect((await bearer().delete(PATH)).status).toBe(401);
    const { visitor } = await seedVisitor(stage, await addUser(stage.cloud));
    const headers = { Authorization: 'Basic YW5uOnNlY3JldA==' };
    expect((await new ApiCaller(visitor).delete(PATH, { headers })).status).toBe(401);
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test('many at once: one receipt tells of it, the others of nothing', async () => {
    const user = await addUser(stage.cloud);
    const { token } = await seedSession(stage.cloud, user, { kind: 'bearer' });
    const answers = await Promise.all(Array.from({ length: 12 }, () => bearer(token).delete(PATH)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(12).fill(200));
    expect(answers.reduce((sum, answer) => sum + answer.body.revoked, 0)).toBe(1);
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });
});

describe('by cookie', () => {
  test('with X-CSRFToken: a receipt, and both cookies expire with the attributes they had', async () => {
    const user = await addUser(stage.cloud);
    const { visitor, session } = await seedVisitor(stage, user);
    const { status, body, setCookies } = await new ApiCaller(visitor).delete(PATH);
    expect(status).toBe(200);
    expect(body.logouts.map((each) => each.session_id)).toEqual([session.id]);
    const expired = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/';
    expect(ownCookies(setCookies)).toEqual([
      `csrftoken=; ${expired}; Secure; SameSite=Lax`,
      `sessionid=; ${expired}; HttpOnly; Secure; SameSite=Lax`,
    ]);
    expect(await visitor.isSignedIn()).toBe(false);
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toMatchObject([{ id: body.logouts[0]?.id }]);
  });

  test.each<[string, Record<string, string | undefined>]>([
    ['without X-CSRFToken', { 'X-CSRFToken': undefined }],
    ['from another origin', { Origin: 'https://evil.example' }],
    ['from another site', { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s: 403, and the session stays open', async (_, headers) => {
    const { visitor } = await seedVisitor(stage, await addUser(stage.cloud));
    const { status, setCookies } = await new ApiCaller(visitor).delete(PATH, { headers });
    expect({ status, setCookies }).toEqual({ status: 403, setCookies: [] });
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test('ended already, or never given out: the same answer, no token asked for', async () => {
    const user = await addUser(stage.cloud);
    const { visitor, token } = await seedVisitor(stage, user);
    await new ApiCaller(visitor).delete(PATH);
    for (const value of [token, `${'A'.repeat(42)}A`, 'nonsense']) {
      const late = stage.worker.visitor();
      await late.setCookie(`sessionid=${value}; Path=/; Secure`);
      const { status, body, setCookies } = await new ApiCaller(late).delete(PATH);
      expect({ status, body }).toEqual({ status: 200, body: NOTHING });
      expect(ownCookies(setCookies)).toHaveLength(2);
    }
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });

  test('two session cookies, as a change of the cookie domain leaves them: both sessions end', async () => {
    const user = await addUser(stage.cloud);
    const { visitor, token } = await seedVisitor(stage, user);
    const twin = await seedSession(stage.cloud, user, { kind: 'cookie' });
    const csrf = (await visitor.cookie('csrftoken')) ?? '';
    const { body } = await new ApiCaller(visitor).delete(PATH, {
      headers: { Cookie: `sessionid=${token}; sessionid=${twin.token}; csrftoken=${csrf}` },
    });
    expect(body.revoked).toBe(2);
  });
});
