import { describe, expect, test } from 'vitest';
import { issueDeviceToken } from '../../src/auth/device-token.ts';
import { ACCOUNT_LIMIT, ACCOUNT_NETWORK_LIMIT, NETWORK_LIMIT } from '../../src/auth/throttle.ts';
import { networkOf } from '../../src/lib/client-info.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { STRANGER } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { ApiCaller } from '../support/api.ts';
import { CHEAP_HASH } from '../support/hostile-strings.ts';
import { addUser, PASSWORD, type NewUser, type TestUser } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Visitor } from '../support/visitor.ts';
import { SECRET_KEY } from '../support/worker.ts';

const OLD_KEY = 'an-older-secret-key-that-is-still-accepted';
const environment = useTestEnvironment({ SECRET_KEY_FALLBACKS: OLD_KEY });
const keys = { SECRET_KEY, SECRET_KEY_FALLBACKS: [] };

/** Strangers from many networks have used up the name. */
async function lockOut({ username }: TestUser, ownNetwork?: string): Promise<void> {
  const { throttle } = openCloudStores(environment.cloud);
  const networks = Array.from({ length: ACCOUNT_LIMIT.failures }, (_, i) => `192.0.2.${i}`);
  if (ownNetwork !== undefined) networks.fill(ownNetwork, 0, ACCOUNT_NETWORK_LIMIT.failures);
  for (const network of networks)
    await throttle.reserve({ attemptId: uuidV7(Date.now()), username, network, source: STRANGER });
}

const newUser = (wanted?: NewUser): Promise<TestUser> => addUser(environment.cloud, wanted);
const visitor = (): Visitor => environment.worker.visitor();
const plant = (browser: Visitor, token: string): Promise<unknown> =>
  browser.setCookie(`device=${token}; Path=/; Secure; HttpOnly`);
const statusOf = async (browser: Visitor, { username }: TestUser, password = PASSWORD): Promise<number> =>
  (await browser.trySignIn({ username, password })).status;

describe('an owner whom strangers locked out', () => {
  test('signs in from the browser that they used before, in any spelling, and no other', async () => {
    const user = await newUser();
    const own = visitor();
    await own.signIn(user);
    await own.logOut();
    await lockOut(user, networkOf(own.ipAddress) ?? '');
    expect(await statusOf(visitor(), user)).toBe(429);
    await own.signIn({ ...user, username: ` ${user.username}` });
    expect(await own.isSignedIn()).toBe(true);
  });

  test('signs in from their app', async () => {
    const user = await newUser();
    const { username } = user;
    const app = new ApiCaller(visitor());
    const { body } = await app.post('/sessions', { username, password: PASSWORD });
    await lockOut(user);
    const refused = await app.post('/sessions', { username, password: PASSWORD, device_token: 'forged' });
    expect(refused.status).toBe(429);
    const letIn = await app.post('/sessions', {
      username,
      password: PASSWORD,
      device_token: body.device_token,
    });
    expect(letIn.status).toBe(201);
    expect(letIn.body.device_token).toBe(body.device_token);
  });

  test('changes the password from an open session', async () => {
    const user = await newUser();
    const { visitor: own } = await seedVisitor(environment, user);
    await lockOut(user, networkOf(own.ipAddress) ?? '');
    const page = await own.get('/account/password/');
    const changed = await own.post('/account/password/', {
      csrfmiddlewaretoken: page.csrfToken ?? '',
      current_password: PASSWORD,
      new_password: 'another good long one',
      confirm_password: 'another good long one',
    });
    expect(changed.status).toBe(303);
  });
});

describe('the cookie', () => {
  test('lasts a year, is out of reach of scripts, and the sign-out keeps it', async () => {
    const own = visitor();
    const { setCookies } = await own.signIn(await newUser());
    expect(setCookies.filter((each) => each.startsWith('device='))).toEqual([
      expect.stringMatching(
        /^device=[\w-]{22}\.[\w-]{22}; Max-Age=31536000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    const before = await own.cookie('device');
    await own.logOut();
    expect(await own.cookie('device')).toBe(before);
  });

  test('keeps its device for the same name, and gets another for another name', async () => {
    const [user, another] = [await newUser(), await newUser()];
    const own = visitor();
    await own.signIn(user);
    const first = await own.cookie('device');
    await own.logOut();
    await own.signIn(user);
    expect(await own.cookie('device')).toBe(first);
    await own.logOut();
    await own.signIn(another);
    expect((await own.cookie('device'))?.split('.')[0]).not.toBe(first?.split('.')[0]);
  });

  test('is not set by a sign-in that fails', async () => {
    const user = await newUser({ passwordHash: CHEAP_HASH });
    const { setCookies, status } = await visitor().trySignIn({ ...user, password: 'wrong' });
    expect(status).toBe(401);
    expect(setCookies.filter((each) => each.startsWith('device='))).toEqual([]);
  });
});

describe('when the name is locked, of no use is', () => {
  test.each<[string, (user: TestUser) => string]>([
    [
      'a forged one',
      ({ username }) => `${issueDeviceToken(username, null, keys).slice(0, 23)}${'A'.repeat(22)}`,
    ],
    ['one of another name', () => issueDeviceToken('someone-else', null, keys)],
    [
      'one of a key that is gone',
      ({ username }) => issueDeviceToken(username, null, { ...keys, SECRET_KEY: 'x'.repeat(40) }),
    ],
  ])('%s', async (_, tokenOf) => {
    const user = await newUser();
    await lockOut(user);
    const thief = visitor();
    await plant(thief, tokenOf(user));
    expect(await statusOf(thief, user)).toBe(429);
  });

  test('nothing, but one of an older key that is still accepted works', async () => {
    const user = await newUser();
    await lockOut(user);
    const own = visitor();
    const oldKeys = { ...keys, SECRET_KEY: OLD_KEY };
    await plant(own, issueDeviceToken(user.username, null, oldKeys));
    expect(await statusOf(own, user)).toBe(303);
  });
});

describe('a stolen one', () => {
  test('gives ten tries, from however many addresses, and none at other names', async () => {
    const user = await newUser({ passwordHash: CHEAP_HASH });
    const token = issueDeviceToken(user.username, null, keys);
    const guess = async (password: string): Promise<number> => {
      const thief = visitor();
      await plant(thief, token);
      return statusOf(thief, user, password);
    };
    for (let i = 0; i < 10; i += 1) expect(await guess(`wrong ${i}`)).toBe(401);
    expect(await guess('wrong')).toBe(429);
    expect(await guess(PASSWORD)).toBe(429);
  });

  test('still counts for its network', async () => {
    const user = await newUser({ passwordHash: CHEAP_HASH });
    const thief = visitor();
    await plant(thief, issueDeviceToken(user.username, null, keys));
    const key = `throttle:network:${networkOf(thief.ipAddress)}`;
    await environment.cloud.redis.hset(key, 'failures', NETWORK_LIMIT.failures - 1);
    await environment.cloud.redis.expire(key, 3600);
    expect(await statusOf(thief, user, 'wrong')).toBe(401);
    expect(await statusOf(thief, user, 'wrong')).toBe(429);
  });
});
