import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { ACCOUNT_LIMIT, NETWORK_LIMIT, SITE_LIMIT } from '../../src/auth/throttle.ts';
import { CHEAP_HASH } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { loginRows, PASSWORD } from '../support/people.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { freshAddress } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';
import { SECRET_KEY } from '../support/worker.ts';

const environment = useAttackEnvironment();

const accountKey = (username: string): string =>
  `throttle:account:${createHmac('sha256', SECRET_KEY).update(`throttle\n${username}`).digest('base64url')}`;

/** As if that many had failed already: hundreds of real guesses would take a minute. */
async function presetFailures(key: string, failures: number): Promise<void> {
  await environment.cloud.redis.hset(key, 'failures', failures);
  await environment.cloud.redis.expire(key, 3600);
}

const apiRequest = (username: string, password: string, address: string) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': address },
  body: JSON.stringify({ username, password }),
});

async function signInByApi(username: string, password: string, address: string): Promise<number> {
  const request = apiRequest(username, password, address);
  return (await environment.fetch(`${ORIGIN}/api/v1/sessions`, request)).status;
}

async function signInByPage(username: string, password: string, ipAddress: string): Promise<number> {
  return (await environment.visitor({ ipAddress }).trySignIn({ username, password })).status;
}

const countOf = <T>(items: readonly T[], item: T): number => items.filter((each) => each === item).length;

const outcomesOf = async (username: string) =>
  (await loginRows(environment.cloud, username)).map((row) => row['outcome']);

test('ten failures through either channel, then 429 with Retry-After, for the right password too', async () => {
  const { username } = await environment.addUser();
  const visitor = environment.visitor();
  const api = (password: string) => signInByApi(username, password, visitor.ipAddress);
  for (let i = 0; i < 7; i += 1) expect(await api(`wrong ${i}`)).toBe(401);
  for (let i = 7; i < 10; i += 1)
    expect((await visitor.trySignIn({ username, password: `wrong ${i}` })).status).toBe(401);
  const before = await environment.counts();

  const page = await visitor.trySignIn({ username, password: PASSWORD });
  expect(page.status).toBe(429);
  const request = apiRequest(username, PASSWORD, visitor.ipAddress);
  const json = await environment.fetch(`${ORIGIN}/api/v1/sessions`, request);
  for (const { headers } of [page, json]) {
    const retryAfter = Number(headers.get('Retry-After'));
    expect(retryAfter).toBeGreaterThan(880);
    expect(retryAfter).toBeLessThanOrEqual(900);
  }
  expect(page.body).toContain('role="alert"');
  expect(page.csrfToken).not.toBeNull();
  expect(await visitor.isSignedIn()).toBe(false);
  expect(json.status).toBe(429);
  expect(await json.json()).toMatchObject({ code: 'throttled', status: 429 });
  const form = await visitor.submit(page, { username, password: 'x' }, { Accept: 'application/json' });
  expect(form.status).toBe(429);
  expect(JSON.parse(form.body)).toMatchObject({ code: 'throttled', status: 429 });
  expect((await environment.counts()).sessions).toBe(before.sessions);

  // The account isn't locked: the user still gets in from elsewhere, which gives the guesser no more tries.
  const owner = environment.visitor();
  await owner.signIn({ username, password: PASSWORD });
  expect(await owner.isSignedIn()).toBe(true);
  expect(await signInByApi(username, PASSWORD, freshAddress())).toBe(201);
  expect((await visitor.trySignIn({ username, password: PASSWORD })).status).toBe(429);
  expect(await api('wrong')).toBe(429);

  await environment.counts();
  // A refusal is recorded once a window, not once an attempt.
  const rejections = Array<string>(10).fill('bad_credentials');
  expect(await outcomesOf(username)).toEqual([...rejections, 'throttled', 'success', 'success']);
});

test('a success clears the counter', async () => {
  const user = await environment.addUser();
  const visitor = environment.visitor();
  const failNineTimes = async () => {
    for (let i = 0; i < 9; i += 1)
      expect((await visitor.trySignIn({ ...user, password: `wrong ${i}` })).status).toBe(401);
  };
  await failNineTimes();
  await visitor.signIn(user);
  await visitor.logOut();
  await failNineTimes();
  await visitor.signIn(user);
});

test('of a hundred guesses at once, ten are checked', async () => {
  const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
  const visitor = environment.worker.visitor();
  const page = await visitor.get('/sign-in/');
  const statuses = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      if (i % 2 === 0) return (await visitor.submit(page, { username, password: `guess ${i}` })).status;
      const request = apiRequest(username, `guess ${i}`, visitor.ipAddress);
      return (await environment.worker.fetch(`${ORIGIN}/api/v1/sessions`, request)).status;
    }),
  );
  // A busy machine responds 503 to some, which reveals nothing and costs no attempt.
  const refused = countOf(statuses, 429) + countOf(statuses, 503);
  expect(countOf(statuses, 401)).toBeLessThanOrEqual(10);
  expect(countOf(statuses, 401) + refused, statuses.join()).toBe(100);
  if (countOf(statuses, 503) > 0) {
    // The rest come one by one.
    for (let i = 0; i < 10; i += 1) await signInByApi(username, `late guess ${i}`, visitor.ipAddress);
    expect(await signInByApi(username, 'the last', visitor.ipAddress)).toBe(429);
    return;
  }
  expect(refused).toBe(90);
  await environment.counts();
  const outcomes = await outcomesOf(username);
  expect(countOf(outcomes, 'bad_credentials')).toBe(10);
  expect(countOf(outcomes, 'throttled')).toBe(1);
});

test('guesses at a name that does not exist are counted in the same way', async () => {
  const address = freshAddress();
  // One by one first: each costs a whole bcrypt, and ten at once are too much for a small machine.
  for (let i = 0; i < 8; i += 1) {
    const guess = i % 2 === 0 ? signInByApi : signInByPage;
    expect(await guess('nobody-at-all', `guess ${i}`, address)).toBe(401);
  }
  const statuses: number[] = [];
  const guesses = Array.from({ length: 50 }, (_, i) => `guess ${i}`);
  await inParallel(guesses, async (password) => {
    statuses.push(await signInByApi('nobody-at-all', password, address));
  });
  expect(countOf(statuses, 401)).toBe(2);
  expect(countOf(statuses, 429)).toBe(48);
  expect(await signInByPage('nobody-at-all', 'guess', address)).toBe(429);
});

test('one password for many names from one network ends at 200', async () => {
  const address = freshAddress();
  const key = `throttle:network:${address}`;
  await presetFailures(key, NETWORK_LIMIT.failures - 2);
  const statuses: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
    statuses.push(await signInByApi(i % 2 === 0 ? username : `nobody-${i}`, 'Winter2026', address));
  }
  expect(statuses).toEqual([401, 401, 429, 429, 429, 429]);
  // A refusal isn't counted: it would keep the window full by itself.
  expect(await environment.cloud.redis.hget(key, 'failures')).toBe(String(NETWORK_LIMIT.failures));
  expect(await environment.cloud.redis.ttl(key)).toBeLessThanOrEqual(NETWORK_LIMIT.windowSeconds);

  const { username, password } = await environment.addUser();
  expect(await signInByApi(username, password, address)).toBe(429);
  expect(await signInByApi(username, password, freshAddress())).toBe(201);
});

test('one name from many networks ends at a hundred, known or not', async () => {
  const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
  for (const name of [username, 'another-nobody']) {
    await presetFailures(accountKey(name), ACCOUNT_LIMIT.failures - 1);
    const guess = () => signInByApi(name, 'wrong', freshAddress());
    expect([await guess(), await guess(), await guess()]).toEqual([401, 429, 429]);
  }
});

test('an IPv6 /64 is one network, another /64 is another', async () => {
  const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
  for (let i = 1; i <= 10; i += 1) {
    const guess = i % 2 === 0 ? signInByApi : signInByPage;
    expect(await guess(username, 'wrong', `2001:DB8:1:1:${i.toString(16)}::${i}`)).toBe(401);
  }
  for (const guess of [signInByApi, signInByPage]) {
    expect(await guess(username, 'wrong', '2001:db8:1:1:ffff::')).toBe(429);
    expect(await guess(username, 'wrong', '2001:db8:1:2::1')).toBe(401);
  }
});

test('an IPv4 address is the same network if it comes mapped into IPv6', async () => {
  const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
  const address = freshAddress();
  for (let i = 0; i < 5; i += 1) {
    expect(await signInByApi(username, 'wrong', address)).toBe(401);
    expect(await signInByApi(username, 'wrong', `::ffff:${address}`)).toBe(401);
  }
  expect(await signInByApi(username, 'wrong', address)).toBe(429);
  expect(await signInByApi(username, 'wrong', `::ffff:${address}`)).toBe(429);
  expect(await signInByApi(username, PASSWORD, '::ffff:198.51.100.200')).toBe(201);
});

test('all networks of an IPv6 /48 together end at a thousand', async () => {
  const { username, password } = await environment.addUser();
  await presetFailures('throttle:site:2001:db8:77::/48', SITE_LIMIT.failures - 1);
  expect(await signInByApi(username, 'wrong', '2001:db8:77:1::1')).toBe(401);
  for (const guess of [signInByApi, signInByPage])
    expect(await guess(username, password, '2001:db8:77:2::1')).toBe(429);
  expect(await signInByApi(username, password, '2001:db8:78::1')).toBe(201);
});

test('a name written differently is another name, or gives no more tries', async () => {
  const { username } = await environment.addUser({ username: 'Ada', passwordHash: CHEAP_HASH });
  const address = freshAddress();
  const spellings = ['Ada', 'Ada ', ' Ada', '\uff21da', '\u00a0Ada\ufeff'];
  for (let i = 0; i < 10; i += 1)
    expect(await signInByApi(spellings[i % spellings.length] ?? '', 'wrong', address)).toBe(401);
  for (const spelling of spellings) expect(await signInByApi(spelling, PASSWORD, address)).toBe(429);
  // If one of these were read as the same user, it would give ten more guesses.
  const variants = ['ada', 'ADA', 'Ada\u0000', 'A\u200bda', 'Ad\u0430', 'Ada\u0301'];
  for (const variant of variants) expect(await signInByApi(variant, PASSWORD, address)).toBe(401);
  expect(await signInByApi(username, 'wrong', address)).toBe(429);
});

test('an open session gives no extra guesses at its password', async () => {
  const { visitor, user } = await environment.seedVisitor();
  await environment.cloud.query('UPDATE users SET password_hash = ? WHERE id = ?', [CHEAP_HASH, user.id]);
  await environment.rememberUsers();
  const page = await visitor.get('/account/password/');
  const fields = {
    csrfmiddlewaretoken: page.csrfToken ?? '',
    current_password: 'wrong',
    new_password: 'another good long one',
    confirm_password: 'another good long one',
  };
  const statuses = await Promise.all(
    Array.from({ length: 30 }, async () => (await visitor.post('/account/password/', fields)).status),
  );
  expect(countOf(statuses, 429)).toBe(20);
  expect(countOf(statuses, 200) + countOf(statuses, 303)).toBe(0);
  expect(await visitor.isSignedIn()).toBe(true);
});

testAftermath(environment);
