import { describe, expect, test } from 'vitest';
import { addUser, loginRows } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import type { Visitor } from '../support/visitor.ts';

const stage = useStage();

/** Fails to sign in so many times, one after the other. */
async function failTimes(count: number, visitor: Visitor, username: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i += 1) {
    statuses.push((await visitor.trySignIn({ username, password: `wrong ${i}` })).status);
  }
  return statuses;
}

test('ten failures, then 429 with Retry-After, for the right password too', async () => {
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  expect(await failTimes(10, visitor, user.username)).toEqual(Array(10).fill(401));
  const answer = await visitor.trySignIn(user);
  expect(answer.status).toBe(429);
  const retryAfter = Number(answer.headers.get('Retry-After'));
  expect(retryAfter).toBeGreaterThan(880);
  expect(retryAfter).toBeLessThanOrEqual(900);
  expect(answer.body).toContain('role="alert"');
  expect(answer.csrfToken).not.toBeNull();
  expect(await visitor.isSignedIn()).toBe(false);

  const json = await visitor.submit(
    answer,
    { username: user.username, password: 'x' },
    { Accept: 'application/json' },
  );
  expect(json.status).toBe(429);
  expect(JSON.parse(json.body)).toMatchObject({ code: 'throttled', status: 429 });

  // The account is not locked: its owner is somewhere else.
  const owner = stage.worker.visitor();
  await owner.signIn(user);
  expect(await owner.isSignedIn()).toBe(true);
  expect((await visitor.trySignIn(user)).status).toBe(429);

  await stage.worker.delivered();
  const outcomes = (await loginRows(stage.cloud, user.username)).map((row) => row['outcome']);
  // Once a window, not once an attempt.
  expect(outcomes.filter((outcome) => outcome === 'throttled')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'bad_credentials')).toHaveLength(10);
});

test('a success clears the counter', async () => {
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  await failTimes(9, visitor, user.username);
  await visitor.signIn(user);
  await visitor.logOut();
  expect(await failTimes(9, visitor, user.username)).toEqual(Array(9).fill(401));
  await visitor.signIn(user);
});

describe('who counts as the same', () => {
  test('names that nobody has are counted like others', async () => {
    const visitor = stage.worker.visitor();
    expect(await failTimes(11, visitor, 'nobody-here')).toEqual([...Array<number>(10).fill(401), 429]);
  });

  test('an IPv6 /64 is one network, another /64 is another', async () => {
    const { username } = await addUser(stage.cloud);
    const attempt = async (ipAddress: string): Promise<number> => {
      const visitor = stage.worker.visitor({ ipAddress });
      return (await visitor.trySignIn({ username, password: 'wrong' })).status;
    };
    for (let i = 1; i <= 10; i += 1) expect(await attempt(`2001:db8:1:1:${i}::${i}`)).toBe(401);
    expect(await attempt('2001:db8:1:1:ffff::')).toBe(429);
    expect(await attempt('2001:db8:1:2::1')).toBe(401);
  });

  test('attempts at the same time are all counted', async () => {
    const { username } = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const attempt = async (): Promise<number> =>
      (await visitor.submit(page, { username, password: 'wrong' })).status;
    const statuses = await Promise.all(Array.from({ length: 20 }, attempt));
    // A machine with its hands full gives some up with 503, which costs no attempt: the rest comes one by one.
    while (statuses.at(-1) !== 429 && statuses.length < 40) statuses.push(await attempt());
    expect(statuses.at(-1), statuses.join()).toBe(429);
    expect(statuses.filter((status) => status === 401).length, statuses.join()).toBeLessThanOrEqual(10);
    expect(statuses.filter((status) => ![401, 429, 503].includes(status))).toEqual([]);
  });
});
