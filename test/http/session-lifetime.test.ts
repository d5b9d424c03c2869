import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, eventually, logoutRows, PASSWORD } from '../support/people.ts';
import { endsInSeconds } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';

/** Long enough for a slow machine to keep a session open, short enough to wait for. */
const IDLE_SECONDS = 3;

const environment = useTestEnvironment();

let shortLived: TestWorker;
beforeAll(async () => {
  shortLived = await openWorker({
    cloud: environment.cloud,
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
  const hashes = await environment.cloud.redis.hvals(`user-sessions:${user.id}`);
  expect(hashes).toHaveLength(1);
  return endsInSeconds(environment.cloud, hashes[0] ?? '');
}

function expectAbout(seconds: number, expected: number): void {
  expect(seconds).toBeLessThanOrEqual(expected);
  expect(seconds).toBeGreaterThan(expected - 30);
}

describe.each([
  [false, 86_400, 7200],
  [true, 2_592_000, 1_209_600],
])('with remember_me %s the age is %i s and the idle life %i s', (rememberMe, age, idleAge) => {
  test('through the sign-in page', async () => {
    const user = await addUser(environment.cloud);
    const visitor = environment.worker.visitor();
    await visitor.signIn(user, { rememberMe });
    expectAbout(await ttlOf(user), idleAge);
    const { session } = (await new ApiCaller(visitor).get('/sessions/current')).body;
    expect(session.remember_me).toBe(rememberMe);
    expect(Date.parse(session.expires_at) - Date.parse(session.created_at)).toBe(1000 * age);
  });

  test('through the API', async () => {
    const user = await addUser(environment.cloud);
    const { body } = await new ApiCaller(environment.worker.visitor()).post('/sessions', {
      username: user.username,
      password: PASSWORD,
      remember_me: rememberMe,
    });
    expect(body.session.remember_me).toBe(rememberMe);
    expect(Date.parse(body.expires_at) - Date.parse(body.session.created_at)).toBe(1000 * age);
    expectAbout(await ttlOf(user), idleAge);
  });
});

test.each(['', '0', 'false', 'off'])('remember_me=%s is not checked', async (value) => {
  const { username, password } = await addUser(environment.cloud);
  const visitor = environment.worker.visitor();
  const page = await visitor.get('/sign-in/');
  const response = await visitor.submit(page, { username, password, remember_me: value });
  expect(response.status).toBe(303);
  const ofSession = response.setCookies.filter((cookie) => /^(?:sessionid|csrftoken)=/.test(cookie));
  expect(ofSession).toHaveLength(2);
  expect(ofSession.join()).not.toMatch(/Max-Age=[1-9]/);
});

test('the settings decide, for sessions with Remember me their own', async () => {
  const user = await addUser(environment.cloud);
  const { setCookies } = await shortLived.visitor().signIn(user, { rememberMe: true });
  expectAbout(Number(/; Max-Age=(\d+)/.exec(setCookies[0] ?? '')?.[1]), 1000);
  expectAbout(await ttlOf(user), 900);
});

test('every key but the outbox expires', async () => {
  for (const rememberMe of [false, true])
    await environment.worker.visitor().signIn(await addUser(environment.cloud), { rememberMe });
  await environment.worker.delivered();
  const streams = new Set(['outbox:pending', 'outbox:set-aside']);
  const keys = (await environment.cloud.redis.keys('*')).filter((key) => !streams.has(key));
  expect(keys.filter((key) => key.startsWith('session:')).length).toBeGreaterThanOrEqual(2);
  // Of a key that has just expired Redis says -2, of one without a TTL -1.
  for (const key of keys) expect(await environment.cloud.redis.ttl(key), key).not.toBe(-1);
});

test('a session expires at its age, with a row of that moment', async () => {
  await using worker = await openWorker({ cloud: environment.cloud, bindings: { SESSION_COOKIE_AGE: '1' } });
  const user = await addUser(environment.cloud);
  const visitor = worker.visitor();
  await visitor.signIn(user);
  const home = await visitor.get('/home/');
  expect(home.status).toBe(200);
  await eventually(async () => expect(await visitor.isSignedIn()).toBe(false));
  // Signing out too late works all the same.
  expect(await visitor.submit(home)).toMatchObject({ status: 303, location: '/' });
  await worker.scheduled();
  expect(await logoutRows(environment.cloud, user)).toMatchObject([{ reason: 'expired_absolute' }]);
});

test('without a request a session expires after its idle life, through both channels, with a row each', async () => {
  const user = await addUser(environment.cloud);
  const visitor = shortLived.visitor();
  await visitor.signIn(user);
  const { username } = user;
  const app = await new ApiCaller(shortLived.visitor()).post('/sessions', { username, password: PASSWORD });
  const bearer = new ApiCaller(shortLived.visitor(), app.body.token);
  // A request would count as activity, so this looks into the store.
  await eventually(async () => {
    const hashes = await environment.cloud.redis.hvals(`user-sessions:${user.id}`);
    const left = await Promise.all(hashes.map((hash) => endsInSeconds(environment.cloud, hash)));
    expect(Math.max(...left)).toBeLessThan(0);
  });
  expect(await visitor.isSignedIn()).toBe(false);
  expect((await bearer.get('/sessions/current')).status).toBe(401);
  expect((await bearer.delete('/sessions/current')).body).toEqual({ revoked: 0, logouts: [] });
  await shortLived.scheduled();
  const rows = await logoutRows(environment.cloud, user);
  expect(rows.map(({ reason }) => reason)).toEqual(['expired_idle', 'expired_idle']);
  expect(await visitor.isSignedIn()).toBe(false);
  await shortLived.scheduled();
  expect(await logoutRows(environment.cloud, user)).toHaveLength(2);
});

test('requests of any kind keep a session open past its idle life', async () => {
  const user = await addUser(environment.cloud);
  const visitor = shortLived.visitor();
  await visitor.signIn(user);
  const startedAtMs = Date.now();
  for (let i = 0; Date.now() < startedAtMs + IDLE_SECONDS * 1250; i += 1) {
    const path = ['/home/', '/sessions/', '/api/v1/sessions', '/'][i % 4] ?? '/';
    expect((await visitor.get(path)).status, path).toBe(200);
    // Less than a tenth of the idle life, after which a visit refreshes the session.
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  expect(await visitor.isSignedIn()).toBe(true);
  const { session } = (await new ApiCaller(visitor).get('/sessions/current')).body;
  expect(Date.parse(session.last_seen_at)).toBeGreaterThan(Date.parse(session.created_at));
});

test('two Workers over the same stores know the same sessions', async () => {
  await using other = await openWorker({ cloud: environment.cloud });
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor();
  await visitor.signIn(user);
  const elsewhere = other.visitor();
  for (const cookie of await visitor.jar.getCookies(visitor.origin))
    await elsewhere.setCookie(cookie.toString());
  expect(await elsewhere.isSignedIn()).toBe(true);
  expect((await elsewhere.logOut()).status).toBe(303);
  expect(await visitor.isSignedIn()).toBe(false);
});
