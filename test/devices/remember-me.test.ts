import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, eventually, logoutRows, PASSWORD } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';

/** Long enough for a slow machine to keep a session open, short enough to be waited for. */
const IDLE_SECONDS = 3;

const stage = useStage();

let shortLived: TestWorker;
beforeAll(async () => {
  shortLived = await openWorker({
    cloud: stage.cloud,
    bindings: {
      SESSION_IDLE_AGE: String(IDLE_SECONDS),
      REMEMBER_ME_AGE: '1000',
      REMEMBER_ME_IDLE_AGE: '900',
    },
  });
});
afterAll(() => shortLived.stop());

/** TTL in seconds of the only session of this user. */
async function ttlOf(user: { id: string }): Promise<number> {
  const hashes = await stage.cloud.redis.hvals(`user-sessions:${user.id}`);
  expect(hashes).toHaveLength(1);
  return stage.cloud.redis.ttl(`session:${hashes[0]}`);
}

function expectAbout(seconds: number, expected: number): void {
  expect(seconds).toBeLessThanOrEqual(expected);
  expect(seconds).toBeGreaterThan(expected - 30);
}

describe('through the sign-in page', () => {
  test.each([
    [false, null, 7200],
    [true, 2_592_000, 1_209_600],
  ])('remember_me %s', async (rememberMe, maxAge, idleAge) => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const { setCookies } = await visitor.signIn(user, { rememberMe });
    const cookies = setCookies.filter((each) => !each.includes('Max-Age=0'));
    expect(cookies).toHaveLength(2);
    for (const each of cookies) {
      const [, seconds] = /; Max-Age=(\d+)/.exec(each) ?? [];
      if (maxAge === null) expect(each).not.toMatch(/Max-Age|Expires/);
      else expectAbout(Number(seconds), maxAge);
    }
    expectAbout(await ttlOf(user), idleAge);
    const { session } = (await new ApiCaller(visitor).get('/sessions/current')).body;
    expect(session.remember_me).toBe(rememberMe);
    const lifeMs = Date.parse(session.expires_at) - Date.parse(session.created_at);
    expect(lifeMs).toBe(1000 * (maxAge ?? 86_400));
  });

  test.each(['', '0', 'false', 'off'])('remember_me=%s is not checked', async (value) => {
    const { username, password } = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const answer = await visitor.submit(page, { username, password, remember_me: value });
    expect(answer.status).toBe(303);
    expect(answer.setCookies.join()).not.toMatch(/Max-Age=[1-9]/);
  });
});

test.each([
  [false, 86_400, 7200],
  [true, 2_592_000, 1_209_600],
])('through the API: remember_me %s', async (rememberMe, age, idleAge) => {
  const user = await addUser(stage.cloud);
  const { username } = user;
  const { body } = await new ApiCaller(stage.worker.visitor()).post('/sessions', {
    username,
    password: PASSWORD,
    remember_me: rememberMe,
  });
  expect(Date.parse(body.expires_at) - Date.parse(body.session.created_at)).toBe(1000 * age);
  expectAbout(await ttlOf(user), idleAge);
});

test('the settings decide, for each kind of life its own', async () => {
  const user = await addUser(stage.cloud);
  const { setCookies } = await shortLived.visitor().signIn(user, { rememberMe: true });
  expectAbout(Number(/; Max-Age=(\d+)/.exec(setCookies[0] ?? '')?.[1]), 1000);
  expectAbout(await ttlOf(user), 900);
});

test('without a request the session ends by idleness, through both doors, and leaves no logout', async () => {
  const user = await addUser(stage.cloud);
  const visitor = shortLived.visitor();
  await visitor.signIn(user);
  const { username } = user;
  const app = await new ApiCaller(shortLived.visitor()).post('/sessions', { username, password: PASSWORD });
  const bearer = new ApiCaller(shortLived.visitor(), app.body.token);
  // Each look would count as activity, so it is the store that is asked.
  await eventually(async () => {
    const hashes = await stage.cloud.redis.hvals(`user-sessions:${user.id}`);
    const open = await Promise.all(hashes.map((hash) => stage.cloud.redis.exists(`session:${hash}`)));
    expect(open).not.toContain(1);
  });
  expect(await visitor.isSignedIn()).toBe(false);
  expect((await bearer.get('/sessions/current')).status).toBe(401);
  expect((await bearer.delete('/sessions/current')).body).toEqual({ revoked: 0, logouts: [] });
  await shortLived.delivered();
  expect(await logoutRows(stage.cloud, user)).toEqual([]);
});

test('requests keep it open past its idle life, however it is used', async () => {
  const user = await addUser(stage.cloud);
  const visitor = shortLived.visitor();
  await visitor.signIn(user);
  const startedAtMs = Date.now();
  for (let i = 0; Date.now() < startedAtMs + IDLE_SECONDS * 1250; i += 1) {
    const path = ['/home/', '/sessions/', '/api/v1/sessions', '/'][i % 4] ?? '/';
    expect((await visitor.get(path)).status, path).toBe(200);
    // A little below the idle life's tenth, after which a visit is noted.
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  expect(await visitor.isSignedIn()).toBe(true);
  const { session } = (await new ApiCaller(visitor).get('/sessions/current')).body;
  expect(Date.parse(session.last_seen_at)).toBeGreaterThan(Date.parse(session.created_at));
});
