import { afterEach, describe, expect, test } from 'vitest';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { addUser } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';

// Upstash serves plain reads from replicas, which lag. Another isolate must see a confirmed sign-out or sign-in at once.

const AUTHZ = { PUBLIC_URL: ORIGIN, ASSERTION_KEYS: toKeySet([newSigningKey()]) };
const environment = useTestEnvironment(AUTHZ);
afterEach(() => environment.cloud.setReplicaLag(false));

/** Another isolate: its client has written nothing, so no sync token helps it. */
const openAnother = (bindings: Record<string, string> = {}): Promise<TestWorker> =>
  openWorker({ cloud: environment.cloud, bindings: { ...AUTHZ, ...bindings } });

const statuses = async (worker: TestWorker, token: string): Promise<number[]> => {
  const all: number[] = [];
  const original = { 'X-Original-URL': `${ORIGIN}/app/` };
  const paths = [
    '/home/',
    '/sessions/',
    '/api/v1/sessions/current',
    '/api/v1/sessions',
    '/api/authz/auth-request',
  ];
  for (const path of paths)
    all.push((await worker.visitor().get(path, { ...original, Cookie: `sessionid=${token}` })).status);
  return all;
};

const check = async (worker: TestWorker, token: string): Promise<number> =>
  (await worker.visitor().get('/api/v1/sessions/current', { Cookie: `sessionid=${token}` })).status;

describe('while replicas lag behind', () => {
  test('no check, list or page of another isolate takes an ended session for open', async () => {
    await using another = await openAnother();
    const { visitor, token } = await seedVisitor(environment, await addUser(environment.cloud));
    expect(await statuses(another, token)).toEqual([200, 200, 200, 200, 200]);
    await environment.cloud.setReplicaLag(true);
    expect((await visitor.logOut()).status).toBe(303);
    expect(await statuses(another, token)).toEqual([302, 302, 401, 401, 401]);
  });

  test('none takes a fresh session for ended', async () => {
    await using another = await openAnother();
    const user = await addUser(environment.cloud);
    await environment.cloud.setReplicaLag(true);
    const visitor = environment.worker.visitor();
    await visitor.signIn(user);
    const token = (await visitor.cookie('sessionid')) ?? '';
    expect(await statuses(another, token)).toEqual([200, 200, 200, 200, 200]);
  });
});

describe('SESSION_READS = replica', () => {
  test('a check may lag, which is what it says', async () => {
    await using another = await openAnother({ SESSION_READS: 'replica' });
    const { visitor, token } = await seedVisitor(environment, await addUser(environment.cloud));
    await environment.cloud.setReplicaLag(true);
    await visitor.logOut();
    expect(await check(another, token)).toBe(200);
    await environment.cloud.setReplicaLag(false);
    expect(await check(another, token)).toBe(401);
  });

  test('what expires a cookie asks the primary', async () => {
    await using another = await openAnother({ SESSION_READS: 'replica' });
    const user = await addUser(environment.cloud);
    await environment.cloud.setReplicaLag(true);
    const { token } = await seedVisitor(environment, user);
    const answer = await another.visitor().post('/logout/', {}, { Cookie: `sessionid=${token}` });
    expect(answer.status, 'an open session without its CSRF token').toBe(403);
    expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid='))).toEqual([]);
  });
});

test('a session that a failover brought back is ended again by the cron, with no second row', async () => {
  const { cloud, worker } = environment;
  const { visitor, token, tokenHash, session } = await seedVisitor(environment, await addUser(cloud));
  const record = await cloud.redis.get(`session:${tokenHash}`);
  await visitor.logOut();
  await worker.delivered();
  // Redis lost its last writes.
  await cloud.redis.set(`session:${tokenHash}`, record ?? '', 'PX', 60_000);
  await cloud.redis.hset(`user-sessions:${session.userId}`, session.id, tokenHash);
  await cloud.redis.del(`ended:${tokenHash}`);
  expect((await statuses(worker, token))[0]).toBe(200);

  await worker.scheduled();
  expect((await statuses(worker, token))[0]).toBe(302);
  expect(await cloud.redis.exists(`session:${tokenHash}`)).toBe(0);
  const rows = await cloud.query('SELECT * FROM logout_activity WHERE session_id = ?', [session.id]);
  expect(rows).toHaveLength(1);
  expect(worker.logs.some((line) => line.includes('session_ended_again') && line.includes(session.id))).toBe(
    true,
  );
});
