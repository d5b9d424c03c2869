import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer } from '../support/visitor.ts';

const environment = useTestEnvironment();

const NEW_PASSWORD = 'eine ganz neue Losung';
const PATH = '/account/password/';
const FIELDS = { current_password: PASSWORD, new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };

/** A browser with the form open, which can send the same request again, and an app of the same user. */
async function formOpen() {
  const user = await addUser(environment.cloud);
  const browser = await seedVisitor(environment, user);
  const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const page = await browser.visitor.get(PATH);
  const Cookie = await browser.visitor.jar.getCookieString(browser.visitor.origin);
  const send = (changes: Partial<typeof FIELDS> = {}) =>
    browser.visitor.submit(page, { ...FIELDS, ...changes }, { Cookie });
  return { user, app, ...browser, send };
}

async function expectOneSession({ user, session, app }: Awaited<ReturnType<typeof formOpen>>): Promise<void> {
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  expect(rows).toMatchObject([{ session_id: app.session.id, reason: 'password_changed' }]);
  const index = await environment.cloud.redis.hkeys(`user-sessions:${user.id}`);
  expect(index).toEqual([session.id]);
}

const isChanged = ({ status, location }: Answer) => ({ status, location });
const CHANGED = { status: 303, location: '/sessions/?done=password' };

describe('the password form sent twice', () => {
  test.each([2, 5])('%i at once all succeed, and one session is left', async (count) => {
    const form = await formOpen();
    const answers = await Promise.all(Array.from({ length: count }, () => form.send()));
    expect(answers.map(isChanged)).toEqual(Array(count).fill(CHANGED));
    await expectOneSession(form);
  });

  test('one after the other with the first one’s cookies lost: the browser ends up signed in', async () => {
    const form = await formOpen();
    await form.send();
    const [lost] = [await form.visitor.cookie('sessionid')];
    expect(isChanged(await form.send())).toEqual(CHANGED);
    expect(await form.visitor.cookie('sessionid')).not.toBe(lost);
    expect(await form.visitor.isSignedIn()).toBe(true);
    await expectOneSession(form);
    // The password of the first is not accepted any more, that of both is.
    await environment.worker.visitor().signIn({ ...form.user, password: NEW_PASSWORD });
  });

  test('is no way around the password: another new one is no copy, and counts as a failure', async () => {
    const form = await formOpen();
    await form.send();
    const other = 'another wholly different one';
    for (let i = 0; i < 10; i += 1) {
      const answer = await form.send({ new_password: other, confirm_password: other });
      expect(answer).toMatchObject({ status: 303, setCookies: [] });
      expect(answer.location).toMatch(/^\/sign-in\//);
    }
    // Ten failures are the limit of this source.
    expect(await form.send()).toMatchObject({ setCookies: [] });
    expect(await form.visitor.isSignedIn()).toBe(true);
  });

  test('is no copy once the session has ended, or from before the last two minutes', async () => {
    const ended = await formOpen();
    await ended.send();
    await ended.visitor.logOut();
    expect((await ended.send()).location).toMatch(/^\/sign-in\//);

    const { user, tokenHash, session, visitor } = await formOpen();
    const { id: sessionId, userId } = session;
    const old = JSON.stringify([0, sessionId, userId, 'renewed', Date.now() - 120_001, '']);
    await environment.cloud.redis.set(`session:${tokenHash}`, old, 'KEEPTTL');
    const csrf = await visitor.cookie('csrftoken');
    const answer = await visitor.post(
      PATH,
      { ...FIELDS, new_password: PASSWORD, confirm_password: PASSWORD },
      { 'X-CSRFToken': csrf },
    );
    expect(answer.location).toMatch(/^\/sign-in\//);
    expect(user.password).toBe(PASSWORD);
  });
});

describe('PUT /password sent twice by an app', () => {
  const body = { current_password: PASSWORD, new_password: NEW_PASSWORD };
  const asApp = async () => {
    const user = await addUser(environment.cloud);
    const { token, session } = await seedSession(environment.cloud, user, { kind: 'bearer' });
    return { session, caller: new ApiCaller(environment.worker.visitor(), token) };
  };
  const isOpen = async (token: string) =>
    (await new ApiCaller(environment.worker.visitor(), token).get('/sessions/current')).status === 200;

  test('at once: both succeed, and one of the new tokens is that of the session', async () => {
    const { caller } = await asApp();
    const answers = await Promise.all([caller.put('/password', body), caller.put('/password', body)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const open = await Promise.all(answers.map((answer) => isOpen(answer.body.token)));
    expect(open.filter((each) => each)).toHaveLength(1);
  });

  test('after a lost reply: the second one’s token is good', async () => {
    const { caller } = await asApp();
    await caller.put('/password', body);
    const second = await caller.put('/password', body);
    expect(second.status).toBe(200);
    expect(await isOpen(second.body.token)).toBe(true);
    expect((await caller.put('/password', { ...body, new_password: 'not the same as before' })).status).toBe(
      401,
    );
  });
});
