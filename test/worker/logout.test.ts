import { describe, expect, test } from 'vitest';
import { addUser, logoutRows, type TestUser } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import type { Visitor } from '../support/visitor.ts';

const stage = useStage();

async function signedIn(): Promise<{ user: TestUser; visitor: Visitor; token: string }> {
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  await visitor.signIn(user);
  return { user, visitor, token: (await visitor.cookie('sessionid')) ?? '' };
}

async function isOpen(token: string): Promise<boolean> {
  const other = stage.worker.visitor();
  await other.setCookie(`sessionid=${token}`);
  return other.isSignedIn();
}

describe('GET', () => {
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
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });

  test('with nobody signed in it redirects', async () => {
    const visitor = stage.worker.visitor();
    expect(await visitor.get('/logout/')).toMatchObject({ status: 302, location: '/' });
    await visitor.setCookie(`sessionid=${'A'.repeat(43)}`);
    expect(await visitor.get('/logout/')).toMatchObject({ status: 302, location: '/' });
  });
});

describe('POST', () => {
  test('ends the session for good: a token put back opens nothing', async () => {
    const { visitor, token } = await signedIn();
    const answer = await visitor.logOut();
    expect([302, 303]).toContain(answer.status);
    expect(answer.location).toBe('/');
    expect(await isOpen(token)).toBe(false);
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
    expect(await visitor.isSignedIn()).toBe(false);
    expect((await visitor.get('/')).body).toContain('re not signed in');
    const used = stage.worker.logs.filter((line) => line.includes('session_use_after_expire'));
    expect(used.length).toBeGreaterThan(0);
  });

  test('the other sessions of this user stay open', async () => {
    const { user, visitor } = await signedIn();
    const phone = stage.worker.visitor();
    await phone.signIn(user);
    await visitor.logOut();
    expect(await phone.isSignedIn()).toBe(true);
  });

  test('a second time it gives the same answer and no second row', async () => {
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
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });

  test.each([
    ['without a session cookie', undefined],
    ['with a malformed one', 'sessionid=not-a-token'],
    ['with one never given out', `sessionid=${'B'.repeat(42)}A`],
  ])('%s it gives the same answer, asks for no token and writes no row', async (_, cookie) => {
    const visitor = stage.worker.visitor();
    if (cookie !== undefined) await visitor.setCookie(cookie);
    const [before] = await stage.cloud.query('SELECT COUNT(*) AS count FROM logout_activity');
    const answer = await visitor.post('/logout/');
    expect(answer).toMatchObject({ status: 303, location: '/' });
    expect(answer.setCookies.map((each) => each.split(';')[0])).toEqual(
      expect.arrayContaining(['sessionid=', 'csrftoken=']),
    );
    await stage.worker.delivered();
    expect(await stage.cloud.query('SELECT COUNT(*) AS count FROM logout_activity')).toEqual([before]);
  });

  test('an ended session needs no token either', async () => {
    const { visitor, token } = await signedIn();
    await visitor.logOut();
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
    expect(await visitor.post('/logout/')).toMatchObject({ status: 303, location: '/' });
  });

  test('fifty at once are one logout', async () => {
    const { user, visitor } = await signedIn();
    const home = await visitor.get('/home/');
    const Cookie = await visitor.jar.getCookieString(visitor.origin);
    const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.submit(home, {}, { Cookie })));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([303]));
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });

  test('two different session cookies are both ended', async () => {
    const [first, second] = [await signedIn(), await signedIn()];
    const { visitor } = second;
    const Cookie = `${await visitor.jar.getCookieString(visitor.origin)}; sessionid=${first.token}`;
    expect((await visitor.submit(await visitor.get('/home/'), {}, { Cookie })).status).toBe(303);
    expect(await isOpen(first.token)).toBe(false);
    expect(await isOpen(second.token)).toBe(false);
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, first.user)).toMatchObject([{ reason: 'logout' }]);
    expect(await logoutRows(stage.cloud, second.user)).toMatchObject([{ reason: 'logout' }]);
  });

  test('works with the token in the header', async () => {
    const { visitor, token } = await signedIn();
    const headers = { 'X-CSRFToken': await visitor.cookie('csrftoken'), 'Content-Type': undefined };
    expect((await visitor.post('/logout/', {}, headers)).status).toBe(303);
    expect(await isOpen(token)).toBe(false);
  });
});

test("a logout that races a request does not come back to life by that request's refresh", async () => {
  const { visitor, token } = await signedIn();
  const page = await visitor.get('/home/');
  const Cookie = await visitor.jar.getCookieString(visitor.origin);
  await Promise.all([
    ...Array.from({ length: 10 }, () => visitor.get('/home/', { Cookie })),
    visitor.submit(page, {}, { Cookie }),
    ...Array.from({ length: 10 }, () => visitor.get('/home/', { Cookie })),
  ]);
  await stage.cloud.settled();
  expect(await isOpen(token)).toBe(false);
});
