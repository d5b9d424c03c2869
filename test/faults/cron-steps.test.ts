import { expect, test } from 'vitest';
import { addUser, logoutRows } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

// No step of the cron holds up another.

const environment = useTestEnvironment();

/** A session that was signed out and has its row, and that a failover of Redis brought back. */
async function broughtBack() {
  const { cloud, worker } = environment;
  const user = await addUser(cloud);
  const { visitor, session, tokenHash } = await seedVisitor(environment, user);
  const record = await cloud.redis.get(`session:${tokenHash}`);
  await visitor.logOut();
  await worker.delivered();
  await cloud.redis.set(`session:${tokenHash}`, record ?? '', 'PX', 60_000);
  await cloud.redis.hset(`user-sessions:${user.id}`, session.id, tokenHash);
  return { user, tokenHash };
}

test('a password change that can’t be read stops neither delivery nor the repair after a failover', async () => {
  const { cloud, worker } = environment;
  const { user, tokenHash } = await broughtBack();
  const pending = await seedVisitor(environment, user);
  cloud.faults.set('mysql', { kind: 'refuse' });
  await pending.visitor.logOut();
  cloud.faults.clear();
  for (const text of ['garbage', '{}', '[]', '{"startedAtMs":"then"}'])
    await cloud.redis.hset('password-changes', text, text);

  await worker.scheduled();
  expect(await logoutRows(cloud, user)).toHaveLength(2);
  expect(await cloud.redis.exists(`session:${tokenHash}`)).toBe(0);
  expect(await cloud.redis.hlen('password-changes')).toBe(4);
});

test('with delivery out of order, what must end still ends', async () => {
  const { cloud, worker } = environment;
  const { tokenHash } = await broughtBack();
  await cloud.redis.set('outbox:pending', 'no stream');
  await worker.scheduled();
  expect(await cloud.redis.exists(`session:${tokenHash}`)).toBe(0);
  expect(worker.logs.some((line) => line.includes('"task":"deliver_activity"'))).toBe(true);
  await cloud.redis.del('outbox:pending');
});
