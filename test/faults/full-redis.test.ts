import { afterEach, expect, test, vi } from 'vitest';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { BACKGROUND_DEADLINE_MS } from '../support/worker.ts';
import { runCli } from '../tools/hoskie/run-cli.ts';

// Redis is out of memory: it refuses what needs more, and deletes and reads go on. Ending never depends on recording.

const environment = useTestEnvironment();
afterEach(() => environment.cloud.setRedisFull(false));

const isOpen = async (token: string): Promise<boolean> =>
  (await environment.worker.visitor().get('/home/', { Cookie: `sessionid=${token}` })).status === 200;

async function signedIn() {
  const user = await addUser(environment.cloud);
  return { user, ...(await seedVisitor(environment, user)) };
}

test('those who are signed in stay so, and nobody new gets in', async () => {
  const { user, token } = await signedIn();
  environment.cloud.setRedisFull(true);
  expect(await isOpen(token)).toBe(true);
  const answer = await environment.worker.visitor().trySignIn(user);
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, expect.any(String)]);
});

test('a sign-out ends the session, and its row is written', async () => {
  const { user, visitor, token } = await signedIn();
  environment.cloud.setRedisFull(true);
  expect((await visitor.logOut()).status).toBe(303);
  expect(await isOpen(token)).toBe(false);
  await vi.waitFor(
    async () => expect(await logoutRows(environment.cloud, user)).toMatchObject([{ reason: 'logout' }]),
    BACKGROUND_DEADLINE_MS,
  );
});

test('once MySQL is back, the cron drains a full Redis', async () => {
  const { cloud, worker } = environment;
  const { user, visitor } = await signedIn();
  cloud.faults.set('mysql', { kind: 'refuse' });
  await visitor.logOut();
  cloud.setRedisFull(true);
  cloud.faults.clear();
  await worker.scheduled();
  expect(await cloud.redis.xlen('outbox:pending')).toBe(0);
  expect(await logoutRows(cloud, user)).toMatchObject([{ reason: 'logout' }]);
});

test('revoking all and a password change end the sessions', async () => {
  const { user, visitor, token } = await signedIn();
  const other = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const page = await visitor.get('/account/password/');
  environment.cloud.setRedisFull(true);
  const fields = { current_password: PASSWORD, new_password: 'quite another passphrase' };
  const changed = await visitor.submit(page, { ...fields, confirm_password: fields.new_password });
  // Whether it is confirmed or not, no other session stays open once the password has changed.
  if (changed.status === 303) {
    const current = await environment.worker.visitor().get('/api/v1/sessions/current', {
      Authorization: `Bearer ${other.token}`,
    });
    expect(current.status).toBe(401);
  } else {
    expect(changed.status).toBe(503);
  }
  environment.cloud.setRedisFull(false);

  const second = await signedIn();
  const sessions = await second.visitor.get('/sessions/');
  environment.cloud.setRedisFull(true);
  const all = await second.visitor.post('/sessions/revoke/', {
    csrfmiddlewaretoken: sessions.csrfToken ?? '',
    scope: 'all',
  });
  expect(all.status).toBe(303);
  expect(await isOpen(second.token)).toBe(false);
  expect(token).not.toBe(second.token);
});

test('with the outbox refusing and MySQL out, the log has the log-out whole, and restore takes it back', async () => {
  const { cloud, worker } = environment;
  const { user, visitor, session } = await signedIn();
  await cloud.redis.set('outbox:pending', 'no stream');
  cloud.faults.set('mysql', { kind: 'refuse' });
  expect((await visitor.logOut()).status).toBe(303);
  const line = await vi.waitFor(() => {
    const found = worker.logs.find(
      (each) => each.includes('activity_not_queued') && each.includes(session.id),
    );
    if (found === undefined) throw new Error('not logged yet');
    return found;
  }, BACKGROUND_DEADLINE_MS);
  expect(await cloud.redis.scard('outbox:unrecorded')).toBe(1);
  await cloud.redis.del('outbox:pending');

  const exported = JSON.stringify({ source: { level: 'log', message: line } });
  const restored = await runCli(cloud, ['outbox', 'restore'], {
    input: `other line\n${line}\n${exported}\n`,
  });
  expect([restored.exitCode, restored.stdout]).toEqual([0, expect.stringContaining('Added 1 log-out')]);
  expect(await cloud.redis.scard('outbox:unrecorded')).toBe(0);
  cloud.faults.clear();
  await worker.scheduled();
  await worker.delivered();
  expect(await logoutRows(cloud, user)).toMatchObject([{ session_id: session.id, reason: 'logout' }]);
});
