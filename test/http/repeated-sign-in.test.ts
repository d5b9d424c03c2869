import { expect, test } from 'vitest';
import { addUser, logoutRows, loginRows, PASSWORD, type TestUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const openSessions = (user: TestUser) => environment.cloud.redis.hkeys(`user-sessions:${user.id}`);

/** A browser with the form open, which can send the same request again. */
async function formOpen() {
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor();
  const page = await visitor.get('/sign-in/');
  const Cookie = await visitor.jar.getCookieString(visitor.origin);
  const send = ({ username } = user, password = PASSWORD) =>
    visitor.submit(page, { username, password }, { Cookie });
  return { user, visitor, send };
}

async function expectReplaced(user: TestUser): Promise<void> {
  expect(await openSessions(user)).toHaveLength(1);
  await environment.worker.delivered();
  expect(await loginRows(environment.cloud, user.username)).toHaveLength(2);
  const rows = await logoutRows(environment.cloud, user);
  expect(rows).toMatchObject([{ reason: 'replaced' }]);
  expect(await openSessions(user)).not.toContain(rows[0]?.['session_id']);
}

test('the form sent twice at once: both succeed, one session is left', async () => {
  const { user, send } = await formOpen();
  const answers = await Promise.all([send(), send()]);
  expect(answers.map(({ status }) => status)).toEqual([303, 303]);
  await expectReplaced(user);
});

test('one after the other with the first one’s cookies lost: the second one’s session is left', async () => {
  const { user, visitor, send } = await formOpen();
  await send();
  expect((await send()).status).toBe(303);
  expect(await visitor.isSignedIn()).toBe(true);
  await expectReplaced(user);
});

test('a wrong password is no copy, and another user’s sign-in replaces nothing', async () => {
  const { user, send } = await formOpen();
  await send();
  expect((await send(user, 'wrong')).status).toBe(401);
  const other = await addUser(environment.cloud);
  expect((await send(other)).status).toBe(303);
  for (const each of [user, other]) expect(await openSessions(each)).toHaveLength(1);
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toEqual([]);
});
