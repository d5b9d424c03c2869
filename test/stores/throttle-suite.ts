import { beforeEach, describe, expect, test } from 'vitest';
import {
  ACCOUNT_LIMIT,
  ACCOUNT_NETWORK_LIMIT,
  NETWORK_LIMIT,
  SITE_LIMIT,
  type Attempt,
  type AttemptSource,
  type Reservation,
  type Throttle,
} from '../../src/auth/throttle.ts';
import { newSessionId, uuidV7 } from '../../src/lib/ids.ts';
import { STRANGER } from '../fakes/samples.ts';

/** One implementation, empty. */
export interface ThrottleUnderTest {
  readonly throttle: Throttle;
  readonly advance: (ms: number) => Promise<void>;
}

const attemptBy = (
  username: string,
  network: string | null = '203.0.113.7',
  source: AttemptSource = STRANGER,
): Attempt => ({ attemptId: uuidV7(Date.now()), username, network, source });

/** What every `Throttle` does. `open` gives each test an empty one. */
export function describeThrottle(name: string, open: () => Promise<ThrottleUnderTest>): void {
  let under: ThrottleUnderTest;
  const reserve = (attempt: Attempt): Promise<Reservation> => under.throttle.reserve(attempt);
  /** Counts this many failures; `make` gives the attempt of each number. */
  const fail = async (count: number, make: (i: number) => Attempt): Promise<void> => {
    const results = await Promise.all(Array.from({ length: count }, (_, i) => reserve(make(i))));
    expect(results.filter(({ status }) => status !== 'allowed')).toEqual([]);
  };
  const isAllowed = async (attempt: Attempt): Promise<boolean> =>
    (await reserve(attempt)).status === 'allowed';

  describe(name, () => {
    beforeEach(async () => {
      under = await open();
    });

    describe('limits', () => {
      test('10 failures per account and network; other names and networks are not affected', async () => {
        await fail(10, () => attemptBy('ann'));
        expect(await reserve(attemptBy('ann'))).toMatchObject({ status: 'throttled' });
        expect(await isAllowed(attemptBy('ann', '198.51.100.1'))).toBe(true);
        expect(await isAllowed(attemptBy('bob'))).toBe(true);
        expect(await isAllowed(attemptBy('Ann'))).toBe(true);
      });

      test('100 failures per account, from any network; other names are not affected', async () => {
        await fail(100, (i) => attemptBy('ann', `2001:db8:0:${i}::/64`));
        const refused = await reserve(attemptBy('ann', '198.51.100.1'));
        expect(refused).toMatchObject({ status: 'throttled' });
        expect(await isAllowed(attemptBy('bob', '198.51.100.1'))).toBe(true);
      });

      test('200 failures per network, whatever the names; other networks are not affected', async () => {
        await fail(200, (i) => attemptBy(`name ${i}`));
        expect(await reserve(attemptBy('ann'))).toMatchObject({ status: 'throttled' });
        expect(await isAllowed(attemptBy('ann', '198.51.100.1'))).toBe(true);
      });

      test('1,000 failures per IPv6 /48, whatever the names and networks; others are not affected', async () => {
        const network = (i: number): string => `2001:db8:1:${(i % 50).toString(16)}::/64`;
        for (let from = 0; from < 1000; from += 200)
          await fail(200, (i) => attemptBy(`name ${from + i}`, network(from + i)));
        expect(await reserve(attemptBy('ann', '2001:db8:1:ffff::/64'))).toMatchObject({
          status: 'throttled',
        });
        expect(await isAllowed(attemptBy('ann', '2001:db8:2:ffff::/64'))).toBe(true);
        expect(await isAllowed(attemptBy('ann', '198.51.100.1'))).toBe(true);
      });

      test('without an address, 100 failures per account and no other limit', async () => {
        await fail(210, (i) => attemptBy(`name ${i}`, null));
        await fail(100, () => attemptBy('ann', null));
        expect(await isAllowed(attemptBy('ann', null))).toBe(false);
        expect(await isAllowed(attemptBy('ann', '198.51.100.1'))).toBe(false);
        expect(await isAllowed(attemptBy('bob', null))).toBe(true);
      });

      test('attempts at the same time are counted one by one', async () => {
        const results = await Promise.all(Array.from({ length: 30 }, () => reserve(attemptBy('ann'))));
        expect(results.filter(({ status }) => status === 'allowed')).toHaveLength(10);
        const first = results.filter((result) => result.status === 'throttled' && result.firstInWindow);
        expect(first).toHaveLength(1);
      });

      test('a throttled attempt is not counted as a failure', async () => {
        await fail(10, () => attemptBy('ann'));
        for (let i = 0; i < 5; i += 1) await reserve(attemptBy('ann'));
        // The account has 90 left on other networks.
        await fail(90, (i) => attemptBy('ann', `198.51.100.${i}`));
      });
    });

    describe('a known device', () => {
      const DEVICE = { kind: 'device', deviceId: 'd1' } as const;

      test('is let in when strangers have used up the account and its network', async () => {
        await fail(10, () => attemptBy('ann'));
        await fail(90, (i) => attemptBy('ann', `net ${i}`));
        expect(await isAllowed(attemptBy('ann', '203.0.113.7'))).toBe(false);
        expect(await isAllowed(attemptBy('ann', '203.0.113.7', DEVICE))).toBe(true);
      });

      test("has 10 failures for this account, from any network, and uses up nobody else's", async () => {
        await fail(10, (i) => attemptBy('ann', `net ${i}`, DEVICE));
        expect(await reserve(attemptBy('ann', 'elsewhere', DEVICE))).toMatchObject({ status: 'throttled' });
        expect(await isAllowed(attemptBy('ann', 'elsewhere', { kind: 'device', deviceId: 'd2' }))).toBe(true);
        expect(await isAllowed(attemptBy('bob', 'elsewhere', DEVICE))).toBe(true);
        await fail(100, (i) => attemptBy('ann', `other ${i}`));
      });

      test('counts for its network and IPv6 /48', async () => {
        const network = '2001:db8:1:2::/64';
        const device = (i: number): AttemptSource => ({ kind: 'device', deviceId: `d${i}` });
        await fail(200, (i) => attemptBy(`name ${i}`, network, device(i)));
        expect(await isAllowed(attemptBy('ann', network, DEVICE))).toBe(false);
        expect(await isAllowed(attemptBy('ann', network))).toBe(false);
      });

      test('has its counter cleared by a success', async () => {
        await fail(9, () => attemptBy('ann', '203.0.113.7', DEVICE));
        const success = attemptBy('ann', '203.0.113.7', DEVICE);
        await reserve(success);
        await under.throttle.succeed(success);
        await fail(10, () => attemptBy('ann', '203.0.113.7', DEVICE));
        expect(await isAllowed(attemptBy('ann', '203.0.113.7', DEVICE))).toBe(false);
      });
    });

    test('an open session has 10 failures of its own, whatever others do, and uses up nothing of theirs', async () => {
      const open = (): AttemptSource => ({ kind: 'session', sessionId: newSessionId() });
      const [own, another] = [open(), open()];
      await fail(200, (i) => attemptBy(`name ${i}`));
      await fail(100, (i) => attemptBy('ann', `net ${i}`));
      await fail(10, () => attemptBy('ann', '203.0.113.7', own));
      expect(await reserve(attemptBy('ann', '203.0.113.7', own))).toMatchObject({
        status: 'throttled',
        firstInWindow: true,
      });
      expect(await isAllowed(attemptBy('ann', '203.0.113.7', another))).toBe(true);
    });

    describe('windows', () => {
      test('open with the first failure and end with it, however many follow', async () => {
        const windowMs = ACCOUNT_NETWORK_LIMIT.windowSeconds * 1000;
        await fail(1, () => attemptBy('ann'));
        await under.advance(windowMs - 60_000);
        await fail(9, () => attemptBy('ann'));
        expect(await isAllowed(attemptBy('ann'))).toBe(false);
        await under.advance(60_000);
        expect(await isAllowed(attemptBy('ann'))).toBe(true);
      });

      test.each([
        { of: 'account and network', limit: ACCOUNT_NETWORK_LIMIT, make: () => attemptBy('ann') },
        { of: 'account', limit: ACCOUNT_LIMIT, make: (i: number) => attemptBy('ann', `net ${i}`) },
        { of: 'network', limit: NETWORK_LIMIT, make: (i: number) => attemptBy(`name ${i}`) },
        {
          of: 'IPv6 /48',
          limit: SITE_LIMIT,
          make: (i: number) => attemptBy(`name ${i}`, `2001:db8:1:${i}::/64`),
        },
      ])('say when that of the $of ends', async ({ limit, make }) => {
        await fail(limit.failures, make);
        await under.advance(100_000);
        const refused = await reserve(attemptBy('ann', make(0).network));
        const seconds = refused.status === 'throttled' ? refused.retryAfterSeconds : 0;
        expect(seconds).toBeGreaterThan(limit.windowSeconds - 100 - 30);
        expect(seconds).toBeLessThanOrEqual(limit.windowSeconds - 100);
      });

      test('of several full ones, the longest counts', async () => {
        await fail(10, () => attemptBy('ann'));
        await fail(90, (i) => attemptBy('ann', `net ${i}`));
        const refused = await reserve(attemptBy('ann'));
        expect(refused.status === 'throttled' && refused.retryAfterSeconds > 900).toBe(true);
      });

      test('report the first refusal, once', async () => {
        const windowMs = ACCOUNT_NETWORK_LIMIT.windowSeconds * 1000;
        for (let window = 0; window < 2; window += 1) {
          await fail(10, () => attemptBy('ann'));
          expect(await reserve(attemptBy('ann'))).toMatchObject({ firstInWindow: true });
          expect(await reserve(attemptBy('ann'))).toMatchObject({ firstInWindow: false });
          expect(await reserve(attemptBy('ann'))).toMatchObject({ firstInWindow: false });
          await under.advance(windowMs);
        }
      });

      test('have a first refusal of their own after all attempts were given back', async () => {
        const attempts = Array.from({ length: 10 }, () => attemptBy('ann'));
        await fail(10, (i) => attempts[i]!);
        expect(await reserve(attemptBy('ann'))).toMatchObject({ firstInWindow: true });
        for (const attempt of attempts) await under.throttle.release(attempt);
        await under.advance(60_000);
        await fail(10, () => attemptBy('ann'));
        expect(await reserve(attemptBy('ann'))).toMatchObject({ firstInWindow: true });
      });
    });

    describe('a success', () => {
      test('clears the counter of the account and network', async () => {
        await fail(9, () => attemptBy('ann'));
        const success = attemptBy('ann');
        await reserve(success);
        await under.throttle.succeed(success);
        await fail(10, () => attemptBy('ann'));
        expect(await isAllowed(attemptBy('ann'))).toBe(false);
      });

      test('gives only its own count back to the account and the network', async () => {
        await fail(99, (i) => attemptBy('ann', `net ${i}`));
        const success = attemptBy('ann');
        await reserve(success);
        expect(await isAllowed(attemptBy('ann', 'elsewhere'))).toBe(false);
        await under.throttle.succeed(success);
        expect(await isAllowed(attemptBy('ann', 'elsewhere'))).toBe(true);
        expect(await isAllowed(attemptBy('ann', 'elsewhere'))).toBe(false);
      });

      test('without an address clears no counter', async () => {
        await fail(99, () => attemptBy('ann', null));
        const success = attemptBy('ann', null);
        await reserve(success);
        await under.throttle.succeed(success);
        await fail(1, () => attemptBy('ann', null));
        expect(await isAllowed(attemptBy('ann', null))).toBe(false);
      });

      test('repeated, gives nothing back twice', async () => {
        await fail(99, (i) => attemptBy('ann', `net ${i}`));
        const success = attemptBy('ann');
        await reserve(success);
        await under.throttle.succeed(success);
        await under.throttle.succeed(success);
        await fail(1, () => attemptBy('ann', 'elsewhere'));
        expect(await isAllowed(attemptBy('ann', 'elsewhere'))).toBe(false);
      });
    });

    describe('a release', () => {
      test('gives all counts back', async () => {
        const released = attemptBy('ann');
        await reserve(released);
        await under.throttle.release(released);
        await fail(10, () => attemptBy('ann'));
        expect(await isAllowed(attemptBy('ann'))).toBe(false);
        await fail(90, (i) => attemptBy('ann', `net ${i}`));
        await fail(190, (i) => attemptBy(`name ${i}`));
        expect(await isAllowed(attemptBy('zoe'))).toBe(false);
      });

      test('repeated, gives nothing back twice', async () => {
        await fail(9, () => attemptBy('ann'));
        const released = attemptBy('ann');
        await reserve(released);
        await under.throttle.release(released);
        await under.throttle.release(released);
        await fail(1, () => attemptBy('ann'));
        expect(await isAllowed(attemptBy('ann'))).toBe(false);
      });

      test('keeps an attempt that arrives later from being counted', async () => {
        const late = attemptBy('ann');
        await under.throttle.release(late);
        await reserve(late);
        await fail(10, () => attemptBy('ann'));
      });

      test('of a throttled attempt gives nothing back', async () => {
        await fail(10, () => attemptBy('ann'));
        const refused = attemptBy('ann');
        await reserve(refused);
        await under.throttle.release(refused);
        expect(await isAllowed(attemptBy('ann'))).toBe(false);
      });

      test('after the window has ended makes no counter', async () => {
        const attempt = attemptBy('ann');
        await reserve(attempt);
        await under.advance(ACCOUNT_NETWORK_LIMIT.windowSeconds * 1000);
        await under.throttle.release(attempt);
        await fail(10, () => attemptBy('ann'));
        expect(await isAllowed(attemptBy('ann'))).toBe(false);
      });
    });

    test('an attempt sent again is counted once', async () => {
      const attempt = attemptBy('ann');
      for (let i = 0; i < 30; i += 1) expect(await isAllowed(attempt)).toBe(true);
      await fail(9, () => attemptBy('ann'));
      expect(await isAllowed(attemptBy('ann'))).toBe(false);
    });

    test.each(['', 'O\'Brien "x" \\ \n', '😀'.repeat(150), 'a:b', 'a'])(
      'counts the name %j',
      async (username) => {
        await fail(10, () => attemptBy(username, 'a:b'));
        expect(await isAllowed(attemptBy(username, 'a:b'))).toBe(false);
        expect(await isAllowed(attemptBy(`${username}:a`, 'b'))).toBe(true);
      },
    );
  });
}
