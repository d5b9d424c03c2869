import { expect, test } from 'vitest';
import { addUser, eventually, logoutRows } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { openWorker } from '../support/worker.ts';

const stage = useStage();

test('a session ends at its age, and leaves no logout', async () => {
  await using worker = await openWorker({ cloud: stage.cloud, bindings: { SESSION_COOKIE_AGE: '1' } });
  const user = await addUser(stage.cloud);
  const visitor = worker.visitor();
  await visitor.signIn(user);
  const home = await visitor.get('/home/');
  expect(home.status).toBe(200);
  await eventually(async () => expect(await visitor.isSignedIn()).toBe(false));
  // Somebody who comes too late to log out is signed out all the same.
  expect(await visitor.submit(home)).toMatchObject({ status: 303, location: '/' });
  await worker.delivered();
  expect(await logoutRows(stage.cloud, user)).toEqual([]);
});

test('every record has a TTL: the idle life, or the age where that is shorter', async () => {
  const lifeOf = async (rememberMe: boolean): Promise<number[]> => {
    await stage.worker.delivered();
    await stage.cloud.redis.flushdb();
    await stage.worker.visitor().signIn(await addUser(stage.cloud), { rememberMe });
    await stage.worker.delivered();
    const keys = await stage.cloud.redis.keys('*');
    const streams = new Set(['outbox:pending', 'outbox:set-aside']);
    const ttls = await Promise.all(
      keys
        .filter((key) => !streams.has(key))
        .map(async (key) => [key, await stage.cloud.redis.ttl(key)] as const),
    );
    // -1 would be a key that stays for ever.
    for (const [key, ttl] of ttls) expect(ttl, key).toBeGreaterThan(0);
    return ttls.filter(([key]) => key.startsWith('session:')).map(([, ttl]) => ttl);
  };
  for (const [rememberMe, seconds] of [
    [false, 7200],
    [true, 1_209_600],
  ] as const) {
    const [ttl = 0, ...others] = await lifeOf(rememberMe);
    expect(others).toEqual([]);
    expect(ttl).toBeGreaterThan(seconds - 30);
    expect(ttl).toBeLessThanOrEqual(seconds);
  }
});

test('past MAX_SESSIONS_PER_USER the oldest session is ended', async () => {
  await using worker = await openWorker({ cloud: stage.cloud, bindings: { MAX_SESSIONS_PER_USER: '2' } });
  const user = await addUser(stage.cloud);
  const visitors = [worker.visitor(), worker.visitor(), worker.visitor()];
  for (const visitor of visitors) await visitor.signIn(user);
  const open = await Promise.all(visitors.map((visitor) => visitor.isSignedIn()));
  expect(open).toEqual([false, true, true]);
  await worker.delivered();
  // From the request that pushed it out.
  expect(await logoutRows(stage.cloud, user)).toMatchObject([
    { reason: 'evicted', ip_address: visitors[2]?.ipAddress },
  ]);
});

test('two Workers over the same stores know the same sessions', async () => {
  await using other = await openWorker({ cloud: stage.cloud });
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  await visitor.signIn(user);
  const elsewhere = other.visitor();
  for (const cookie of await visitor.jar.getCookies(visitor.origin))
    await elsewhere.setCookie(cookie.toString());
  expect(await elsewhere.isSignedIn()).toBe(true);
  expect((await elsewhere.logOut()).status).toBe(303);
  expect(await visitor.isSignedIn()).toBe(false);
});
