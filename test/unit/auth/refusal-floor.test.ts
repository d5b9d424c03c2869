import { expect, test } from 'vitest';
import { hashPassword } from '../../../src/auth/password.ts';
import { signIn } from '../../../src/auth/sign-in.ts';
import type { AuthWork } from '../../../src/auth/auth-work.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';

const FLOOR_MS = 1500;
const WANTED = { kind: 'cookie', rememberMe: false, deviceName: null, replaces: [], form: null } as const;

/** One sign-in, with a timer that ends when the test says so; `order` is what happened, first to last. */
async function setUp(floorMs: number) {
  const { work, stores } = openMemoryWork();
  stores.users.add({ username: 'ann', passwordHash: await hashPassword('right', 4) });
  const order: string[] = [];
  let ring = (): void => undefined;
  const timed: AuthWork = {
    ...work,
    settings: { ...work.settings, BCRYPT_ROUNDS: 4, REFUSAL_FLOOR_MS: floorMs },
    clock: {
      nowMs: () => work.clock.nowMs(),
      sleep: (ms) => {
        order.push(`sleep ${ms}`);
        return new Promise((resolve) => (ring = resolve));
      },
    },
    cpuSlots: { take: async () => void order.push('hash') },
  };
  const attempt = (password: string, username = 'ann') =>
    signIn(timed, { username, password, deviceTokens: [] }, WANTED).then((result) => {
      order.push(result.status === 'refused' ? result.reason.code : result.status);
    });
  return { attempt, order, stores, ring: () => ring() };
}

test.each(['ann', 'nobody'])(
  'a refusal of %s waits for the timer, which began before the hash',
  async (name) => {
    const { attempt, order, stores, ring } = await setUp(FLOOR_MS);
    const refused = attempt('wrong', name);
    await expect.poll(() => stores.outbox.pending.length).toBe(1);
    // All else is done.
    await new Promise(setImmediate);
    expect(order).toEqual([`sleep ${FLOOR_MS}`, 'hash']);
    ring();
    await refused;
    expect(order.at(-1)).toBe('bad_credentials');
  },
);

test('a success and a throttled attempt wait for nothing', async () => {
  const { attempt, order } = await setUp(FLOOR_MS);
  await attempt('right');
  expect(order.at(-1)).toBe('signed_in');
  const throttled = await setUp(FLOOR_MS);
  for (let i = 0; i < 10; i += 1) {
    const refused = throttled.attempt('wrong');
    await expect.poll(() => throttled.stores.outbox.pending.length).toBe(i + 1);
    throttled.ring();
    await refused;
  }
  await throttled.attempt('right');
  expect(throttled.order.at(-1)).toBe('throttled');
});

test('without a floor there is no timer', async () => {
  const { attempt, order } = await setUp(0);
  await attempt('wrong');
  expect(order).toEqual(['hash', 'bad_credentials']);
});
