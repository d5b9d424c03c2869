import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ACCOUNT_LIMIT, NETWORK_LIMIT } from '../../src/auth/throttle.ts';
import { CHEAP_HASH } from '../support/hostile-strings.ts';
import { loginRows } from '../support/people.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { freshAddress } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const siege = useSiege();

const accountKey = (username: string): string =>
  `throttle:account:${createHash('sha256').update(username).digest('base64url')}`;

/** As if so many had failed already: hundreds of real guesses would take a minute. */
async function presetFailures(key: string, failures: number): Promise<void> {
  await siege.cloud.redis.hset(key, 'failures', failures);
  await siege.cloud.redis.expire(key, 3600);
}

async function signInByApi(username: string, password: string, address: string): Promise<number> {
  const answer = await siege.fetch(`${ORIGIN}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': address },
    body: JSON.stringify({ username, password }),
  });
  return answer.status;
}

const countOf = (statuses: readonly number[], status: number): number =>
  statuses.filter((each) => each === status).length;

test('a hundred guesses at once: ten are looked at', async () => {
  const { username } = await siege.addUser({ passwordHash: CHEAP_HASH });
  const statuses = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const answer = await siege.worker.fetch(`${ORIGIN}/api/v1/sessions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': '192.0.2.100' },
        body: JSON.stringify({ username, password: `guess ${i}` }),
      });
      return answer.status;
    }),
  );
  // A machine that is too busy says 503 to some, which tells them nothing and is given back to the counter.
  const refused = countOf(statuses, 429) + countOf(statuses, 503);
  expect(countOf(statuses, 401)).toBeLessThanOrEqual(10);
  expect(countOf(statuses, 401) + refused).toBe(100);
  if (countOf(statuses, 503) > 0) return;
  expect(refused).toBe(90);
  await siege.counts();
  const outcomes = (await loginRows(siege.cloud, username)).map((row) => row['outcome']);
  expect(outcomes.filter((outcome) => outcome === 'bad_credentials')).toHaveLength(10);
  expect(outcomes.filter((outcome) => outcome === 'throttled')).toHaveLength(1);
});

test('guesses at a name that nobody has are counted in the same way', async () => {
  const address = freshAddress();
  // One by one first: each costs a whole bcrypt, and ten of them at once are no fun for a small machine.
  for (let i = 0; i < 8; i += 1) expect(await signInByApi('nobody-at-all', `guess ${i}`, address)).toBe(401);
  const statuses = await Promise.all(
    Array.from({ length: 50 }, (_, i) => signInByApi('nobody-at-all', `guess ${i}`, address)),
  );
  expect(countOf(statuses, 401)).toBe(2);
  expect(countOf(statuses, 429)).toBe(48);
});

test('the right password among a hundred guesses does not get through when it comes too late', async () => {
  const { username, password } = await siege.addUser({ passwordHash: CHEAP_HASH });
  const address = freshAddress();
  for (let i = 0; i < 10; i += 1) expect(await signInByApi(username, 'wrong', address)).toBe(401);
  const before = await siege.counts();
  expect(await signInByApi(username, password, address)).toBe(429);
  expect((await siege.counts()).sessions).toBe(before.sessions);
});

test('one password on many names from one network ends at 200', async () => {
  const address = freshAddress();
  const key = `throttle:network:${address}`;
  await presetFailures(key, NETWORK_LIMIT.failures - 2);
  const statuses: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    const { username } = await siege.addUser({ passwordHash: CHEAP_HASH });
    statuses.push(await signInByApi(i % 2 === 0 ? username : `nobody-${i}`, 'Winter2026', address));
  }
  expect(statuses).toEqual([401, 401, 429, 429, 429, 429]);
  // A refusal is not counted: it would keep the window full by itself.
  expect(await siege.cloud.redis.hget(key, 'failures')).toBe(String(NETWORK_LIMIT.failures));
  expect(await siege.cloud.redis.ttl(key)).toBeLessThanOrEqual(NETWORK_LIMIT.windowSeconds);

  const { username, password } = await siege.addUser();
  expect(await signInByApi(username, password, address)).toBe(429);
  expect(await signInByApi(username, password, freshAddress())).toBe(201);
});

test('one name from many networks ends at a hundred, known or not', async () => {
  const { username } = await siege.addUser({ passwordHash: CHEAP_HASH });
  for (const name of [username, 'another-nobody']) {
    await presetFailures(accountKey(name), ACCOUNT_LIMIT.failures - 1);
    const guess = () => signInByApi(name, 'wrong', freshAddress());
    expect([await guess(), await guess(), await guess()]).toEqual([401, 429, 429]);
  }
});

test('an IPv6 network is one, from whatever address of it', async () => {
  const { username } = await siege.addUser({ passwordHash: CHEAP_HASH });
  const statuses: number[] = [];
  for (let i = 1; i <= 12; i += 1) {
    statuses.push(await signInByApi(username, 'wrong', `2001:DB8:9:9:${i.toString(16)}::${i}`));
  }
  expect(countOf(statuses, 401)).toBe(10);
  expect(await signInByApi(username, 'wrong', '2001:db8:9:a::1')).toBe(401);
});

test('a name that is written otherwise is another name, and no way round for the same one', async () => {
  const { username } = await siege.addUser({ username: 'Ada', passwordHash: CHEAP_HASH });
  const address = freshAddress();
  for (let i = 0; i < 10; i += 1) await signInByApi(username, 'wrong', address);
  // Were one of these read as the same user, it would give ten more guesses.
  for (const variant of [
    'ada',
    'ADA',
    'Ada ',
    ' Ada',
    'Ada\u0000',
    'A\u200bda',
    '\uff21da',
    'Ad\u0430',
    'Ada\u0301',
  ]) {
    expect(await signInByApi(variant, 'correct horse battery staple', address)).toBe(401);
  }
  expect(await signInByApi(username, 'wrong', address)).toBe(429);
});

test('an open session gives no more guesses at its password', async () => {
  const { visitor, user } = await siege.seedVisitor();
  await siege.cloud.query('UPDATE users SET password_hash = ? WHERE id = ?', [CHEAP_HASH, user.id]);
  await siege.rememberUsers();
  const page = await visitor.get('/account/password/');
  const fields = {
    current_password: 'wrong',
    new_password: 'another good long one',
    confirm_password: 'another good long one',
  };
  const fill = { csrfmiddlewaretoken: page.csrfToken ?? '', ...fields };
  const statuses = await Promise.all(
    Array.from({ length: 30 }, async () => (await visitor.post('/account/password/', fill)).status),
  );
  expect(countOf(statuses, 429)).toBe(20);
  expect(countOf(statuses, 200) + countOf(statuses, 303)).toBe(0);
  expect(await visitor.isSignedIn()).toBe(true);
});

test('a success from elsewhere does not open the door for the guesser', async () => {
  const { username, password } = await siege.addUser();
  const guesser = freshAddress();
  for (let i = 0; i < 10; i += 1) await signInByApi(username, 'wrong', guesser);
  expect(await signInByApi(username, password, freshAddress())).toBe(201);
  expect(await signInByApi(username, 'wrong', guesser)).toBe(429);
});

testAftermath(siege);
