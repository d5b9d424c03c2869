import { describe, expect, test } from 'vitest';
import { checkPassword, clearCounter, recordFailure } from '../../../src/auth/check-password.ts';
import { hashPassword } from '../../../src/auth/password.ts';
import { ACCOUNT_NETWORK_LIMIT } from '../../../src/auth/throttle.ts';
import { unknownName } from '../../../src/auth/username.ts';
import { ServiceError } from '../../../src/errors.ts';
import { uuidV7 } from '../../../src/lib/ids.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';
import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import { SAMPLE_CLIENT, STRANGER } from '../../fakes/samples.ts';

const PASSWORD = 'correct horse battery staple';

async function setUp(changes: Parameters<typeof openMemoryWork>[0] = {}) {
  const memory = openMemoryWork(changes);
  const { work, stores } = memory;
  const ann = stores.users.add({ username: 'ann', passwordHash: await hashPassword(PASSWORD, 4) });
  const check = (password: string, username = 'ann') =>
    checkPassword(
      work,
      username,
      () => [password],
      STRANGER,
      () => stores.users.findByUsername(username),
    );
  const newAttempt = () => ({
    attemptId: uuidV7(memory.clock.nowMs()),
    username: 'ann',
    network: SAMPLE_CLIENT.ipAddress ?? '',
    source: STRANGER,
  });
  return {
    ...memory,
    ann,
    check,
    newAttempt,
    /** Leaves room for this many more failures of ann's from this network. */
    failUntilLeft: async (left: number) => {
      for (let i = left; i < ACCOUNT_NETWORK_LIMIT.failures; i += 1)
        await stores.throttle.reserve(newAttempt());
    },
    isThrottled: async () => (await stores.throttle.reserve(newAttempt())).status === 'throttled',
  };
}

describe('checkPassword', () => {
  test('the right password matches', async () => {
    const { check, ann } = await setUp();
    expect(await check(PASSWORD)).toMatchObject({
      status: 'matches',
      user: ann,
      attempt: { username: 'ann' },
    });
  });

  test('a wrong one, an unknown user and an inactive one are refused', async () => {
    const { check, stores, ann } = await setUp();
    expect(await check('wrong')).toMatchObject({ status: 'refused', user: ann, isInactive: false });
    expect(await check(PASSWORD, 'bob')).toMatchObject({ status: 'refused', user: null, isInactive: false });
    stores.users.setActive(ann.id, false);
    expect(await check(PASSWORD)).toMatchObject({ status: 'refused', isInactive: true });
    // Only the owner may learn that.
    expect(await check('wrong')).toMatchObject({ status: 'refused', isInactive: false });
  });

  test('even a match stays counted until the caller clears the counter', async () => {
    const { check, failUntilLeft, isThrottled, work } = await setUp();
    await failUntilLeft(1);
    const checked = await check(PASSWORD);
    expect(await isThrottled()).toBe(true);
    if (checked.status !== 'matches') throw new Error(checked.status);
    await clearCounter(work, checked.attempt);
    expect(await isThrottled()).toBe(false);
  });

  test('a throttled attempt is refused with the right password, and while MySQL is unavailable', async () => {
    const { check, failUntilLeft, outage, ann } = await setUp();
    await failUntilLeft(0);
    expect(await check(PASSWORD)).toMatchObject({ status: 'throttled', user: ann, firstInWindow: true });
    outage.refuse('database');
    expect(await check(PASSWORD)).toMatchObject({ status: 'throttled', user: null });
  });

  test.each(['redis', 'database'] as const)('an outage of %s gives the attempt back', async (store) => {
    const { check, failUntilLeft, isThrottled, outage, backgroundTasks, runBackground } = await setUp();
    await failUntilLeft(1);
    outage.refuse(store);
    await expect(check(PASSWORD)).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(backgroundTasks()).toEqual(['release_attempt']);
    outage.heal();
    await runBackground();
    expect(await isThrottled()).toBe(false);
  });

  test('so does a CPU that has no slot left', async () => {
    const take = () => Promise.reject(new ServiceError({ code: 'overloaded' }));
    const { check, failUntilLeft, isThrottled, runBackground } = await setUp({ cpuSlots: { take } });
    await failUntilLeft(1);
    await expect(check(PASSWORD)).rejects.toMatchObject({ reason: { code: 'overloaded' } });
    await runBackground();
    expect(await isThrottled()).toBe(false);
  });
});

test('a counter that cannot be cleared now is cleared in the background', async () => {
  const { work, stores, outage, newAttempt, failUntilLeft, isThrottled, runBackground } = await setUp();
  await failUntilLeft(1);
  const attempt = newAttempt();
  await stores.throttle.reserve(attempt);
  outage.refuse('redis');
  await clearCounter(work, attempt);
  outage.heal();
  expect(await isThrottled()).toBe(true);
  await runBackground();
  expect(await isThrottled()).toBe(false);
});

test('a failure under the name of nobody is logged and kept without it, the same name giving the same text', async () => {
  const { work, stores, log, runBackground } = await setUp();
  for (const typed of ['Hunter2 hunter2', ' Hunter2 hunter2', 'Ｈunter2 hunter2', 'hunter2 hunter2'])
    await recordFailure(work, typed, null, 'bad_credentials');
  const pending = JSON.stringify(stores.outbox.pending);
  await runBackground();
  const names = [...stores.activityLog.logins.values()].map(({ username }) => username);
  for (const name of names) expect(name).toMatch(/^unknown:[0-9a-f]{16}$/);
  expect(new Set(names.slice(0, 3)).size).toBe(1);
  expect(names[3]).not.toBe(names[0]);
  for (const text of [pending, log.text()]) expect(text).not.toMatch(/hunter2/i);
});

test('another key gives another text, so that the hash alone tells nothing', () => {
  expect(unknownName('hunter2', 'k'.repeat(32))).not.toBe(unknownName('hunter2', 'l'.repeat(32)));
});

test('a failure of a user has their own name, however it was typed', async () => {
  const { work, stores, ann, runBackground } = await setUp();
  await recordFailure(work, ' ann', ann, 'bad_credentials');
  await runBackground();
  expect([...stores.activityLog.logins.values()]).toMatchObject([{ username: 'ann', userId: ann.id }]);
});

test('a failure is logged without the name, kept in the outbox and written in the background', async () => {
  const { work, stores, log, runBackground } = await setUp();
  await recordFailure(work, 'mistyped-password', null, 'bad_credentials');
  expect(log.of('authn_login_fail')).toMatchObject([{ reason: 'bad_credentials', user_id: null }]);
  expect(log.text()).not.toContain('mistyped');
  expect(stores.outbox.pending).toHaveLength(1);
  await runBackground();
  expect([...stores.activityLog.logins.values()]).toMatchObject([
    { userId: null, sessionId: null, outcome: 'bad_credentials' },
  ]);
});
