import { describe, expect, test } from 'vitest';
import { csrfTokens } from '../../src/http/csrf-tokens.ts';
import { newToken } from '../../src/session/token.ts';
import { ApiCaller } from '../support/api.ts';
import { ownCookies } from '../support/own-cookies.ts';
import { addUser, eventually, logoutRows } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { SECRET_KEY } from '../support/worker.ts';

const environment = useTestEnvironment();

const API_PATH = '/sessions/current';
const NOTHING_ENDED = { revoked: 0, logouts: [] };

const bearer = (token?: string): ApiCaller => new ApiCaller(environment.worker.visitor(), token);

async function signedIn() {
  const user = await addUser(environment.cloud);
  return { user, ...(await seedVisitor(environment, user)) };
}

async function isOpen(token: string): Promise<boolean> {
  const other = environment.worker.visitor();
  await other.setCookie(`sessionid=${token}`);
  return other.isSignedIn();
}

describe('GET /logout/', () => {
  test('shows one button that posts, and changes nothing', async () => {
    const { user, visitor, token } = await signedIn();
    const page = await visitor.get('/logout/');
    expect(page.status).toBe(200);
    expect(page.body.match(/<button/g)).toHaveLength(1);
    expect(page.body).toMatch(/<form[^>]* method="post" action="\/logout\/"/);
    expect(page.setCookies).toEqual([]);
    expect(await isOpen(token)).toBe(true);
    expect((await visitor.submit(page)).status).toBe(303);
    expect(await isOpen(token)).toBe(false);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  });

  test('redirects an anonymous visitor', async () => {
    const visitor = environment.worker.visitor();
    expect(await visitor.get('/logout/')).toMatchObject({ status: 302, location: '/' });
    await visitor.setCookie(`sessionid=${'A'.repeat(43)}`);
    expect(await visitor.get('/logout/')).toMatchObject({ status: 302, location: '/' });
  });
});

describe('POST /logout/', () => {
  test('ends the session for good: a token put back opens nothing', async () => {
    const visitor = environment.worker.visitor();
    await visitor.signIn(await addUser(environment.cloud));
    const token = (await visitor.cookie('sessionid')) ?? '';
    const response = await visitor.logOut();
    expect([302, 303]).toContain(response.status);
    expect(response.location).toBe('/');
    expect(await isOpen(token)).toBe(false);
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
    expect(await visitor.isSignedIn()).toBe(false);
    expect((await visitor.get('/')).body).toContain('re not signed in');
    const used = environment.worker.logs.filter((line) => line.includes('session_use_after_expire'));
    expect(used.length).toBeGreaterThan(0);
  });

  test('leaves the other sessions of this user open', async () => {
    const { user, visitor } = await signedIn();
    const { visitor: phone } = await seedVisitor(environment, user);
    await visitor.logOut();
    expect(await phone.isSignedIn()).toBe(true);
  });

  test('a second time it gives the same response and no second row', async () => {
    const { user, visitor } = await signedIn();
    const home = await visitor.get('/home/');
    const cookies = await visitor.jar.getCookies(visitor.origin);
    const first = await visitor.submit(home);
    for (const cookie of cookies) await visitor.setCookie(cookie.toString());
    const second = await visitor.submit(home);
    // And from an old tab whose cookies are gone.
    const third = await visitor.submit(home);
    for (const again of [second, third]) {
      expect(again).toMatchObject({ status: first.status, location: '/', setCookies: first.setCookies });
    }
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  });

  test.each<[string, () => Promise<string | null> | string | null]>([
    ['without a session cookie', () => null],
    ['with a malformed one', () => 'not-a-token'],
    ['with one never issued', () => newToken()],
    [
      'with that of an ended session',
      async () => {
        const { visitor, token } = await signedIn();
        await visitor.logOut();
        await environment.worker.delivered();
        return token;
      },
    ],
  ])('%s it gives the same response, needs no CSRF token and writes no row', async (_, tokenOf) => {
    const visitor = environment.worker.visitor();
    const token = await tokenOf();
    if (token !== null) await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
    const [before] = await environment.cloud.query('SELECT COUNT(*) AS count FROM logout_activity');
    const response = await visitor.post('/logout/');
    expect(response).toMatchObject({ status: 303, location: '/' });
    expect(response.setCookies.map((each) => each.split(';')[0])).toEqual(
      expect.arrayContaining(['sessionid=', 'csrftoken=']),
    );
    await environment.worker.delivered();
    expect(await environment.cloud.query('SELECT COUNT(*) AS count FROM logout_activity')).toEqual([before]);
  });

  test('fifty at once are one sign-out', async () => {
    const { user, visitor } = await signedIn();
    const home = await visitor.get('/home/');
    const Cookie = await visitor.jar.getCookieString(visitor.origin);
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => visitor.submit(home, {}, { Cookie })),
    );
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([303]));
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  });

  test('ends the sessions of two different session cookies', async () => {
    const [first, second] = [await signedIn(), await signedIn()];
    const { visitor } = second;
    const Cookie = `${await visitor.jar.getCookieString(visitor.origin)}; sessionid=${first.token}`;
    expect((await visitor.submit(await visitor.get('/home/'), {}, { Cookie })).status).toBe(303);
    expect(await isOpen(first.token)).toBe(false);
    expect(await isOpen(second.token)).toBe(false);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, first.user)).toMatchObject([{ reason: 'logout' }]);
    expect(await logoutRows(environment.cloud, second.user)).toMatchObject([{ reason: 'logout' }]);
  });

  test("is not undone by another request's refresh at the same time", async () => {
    const user = await addUser(environment.cloud);
    // Idle long enough for each visit to refresh it.
    const createdAtMs = Date.now() - 3_600_000;
    const { token, tokenHash, session } = await seedSession(environment.cloud, user, {
      kind: 'cookie',
      createdAtMs,
    });
    const csrf = csrfTokens([SECRET_KEY]).newCookie(tokenHash, session.userId);
    const visitor = environment.worker.visitor();
    const headers = { Cookie: `sessionid=${token}; csrftoken=${csrf}`, 'X-CSRFToken': csrf };
    const visits = () => Array.from({ length: 10 }, () => visitor.get('/home/', headers));
    const signOut = () => visitor.post('/logout/', {}, headers);
    const responses = await Promise.all([...visits(), signOut(), ...visits()]);
    expect(responses[10]).toMatchObject({ status: 303, location: '/' });
    await environment.cloud.settled();
    expect(await isOpen(token)).toBe(false);
  });
});

describe('DELETE /sessions/current by bearer', () => {
  test('gives a receipt whose id is the key of the row; a second time there is nothing to end', async () => {
    const user = await addUser(environment.cloud);
    const { token, session } = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const caller = bearer(token);
    const beforeMs = Date.now();
    const { status, body, setCookies } = await caller.delete(API_PATH);
    expect(status).toBe(200);
    expect(setCookies).toEqual([]);
    expect(body).toMatchObject({ revoked: 1, logouts: [{ session_id: session.id, reason: 'logout' }] });
    const [logout] = body.logouts;
    expect(Date.parse(logout?.logged_out_at ?? '')).toBeGreaterThanOrEqual(beforeMs);
    // The row is written in the background.
    await eventually(async () => expect(await logoutRows(environment.cloud, user)).toHaveLength(1));
    expect(await logoutRows(environment.cloud, user)).toMatchObject([
      { id: logout?.id, session_id: session.id, reason: 'logout', ip_address: caller.visitor.ipAddress },
    ]);

    expect((await caller.get(API_PATH)).status).toBe(401);
    expect(await caller.delete(API_PATH)).toMatchObject({ status: 200, body: NOTHING_ENDED });
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  });

  test('a token that was never issued is no error either, whatever its form', async () => {
    for (const token of [newToken(), 'nonsense', 'A'.repeat(4000)]) {
      expect(await bearer(token).delete(API_PATH)).toMatchObject({ status: 200, body: NOTHING_ENDED });
    }
  });

  test('no credential, or one of another scheme: 401', async () => {
    expect((await bearer().delete(API_PATH)).status).toBe(401);
    const headers = { Authorization: 'Basic YW5uOnNlY3JldA==' };
    expect((await bearer().delete(API_PATH, { headers })).status).toBe(401);
  });

  test('of many at once, one receipt names the session, the others nothing', async () => {
    const user = await addUser(environment.cloud);
    const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const responses = await Promise.all(Array.from({ length: 12 }, () => bearer(token).delete(API_PATH)));
    expect(responses.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(responses.reduce((sum, { body }) => sum + body.revoked, 0)).toBe(1);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  });
});

describe('DELETE /sessions/current by cookie', () => {
  test('gives a receipt, and both cookies expire with the attributes they had', async () => {
    const { user, visitor, session } = await signedIn();
    const { status, body, setCookies } = await new ApiCaller(visitor).delete(API_PATH);
    expect(status).toBe(200);
    expect(body.logouts.map((each) => each.session_id)).toEqual([session.id]);
    const expired = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/';
    expect(ownCookies(setCookies)).toEqual([
      `csrftoken=; ${expired}; Secure; SameSite=Lax`,
      `sessionid=; ${expired}; HttpOnly; Secure; SameSite=Lax`,
    ]);
    expect(await visitor.isSignedIn()).toBe(false);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toMatchObject([{ id: body.logouts[0]?.id }]);
  });

  test('ended already, or never issued: the same response, no CSRF token needed', async () => {
    const { user, visitor, token } = await signedIn();
    await new ApiCaller(visitor).delete(API_PATH);
    for (const value of [token, newToken(), 'nonsense']) {
      const late = environment.worker.visitor();
      await late.setCookie(`sessionid=${value}; Path=/; Secure`);
      const { status, body, setCookies } = await new ApiCaller(late).delete(API_PATH);
      expect({ status, body }).toEqual({ status: 200, body: NOTHING_ENDED });
      expect(ownCookies(setCookies)).toHaveLength(2);
    }
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  });

  test('two session cookies, as a change of the cookie domain leaves them: both sessions end', async () => {
    const { user, visitor, token } = await signedIn();
    const duplicate = await seedSession(environment.cloud, user, { kind: 'cookie' });
    const csrf = (await visitor.cookie('csrftoken')) ?? '';
    const { body } = await new ApiCaller(visitor).delete(API_PATH, {
      headers: { Cookie: `sessionid=${token}; sessionid=${duplicate.token}; csrftoken=${csrf}` },
    });
    expect(body.revoked).toBe(2);
  });
});
