import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ATTEMPT_SECONDS } from '../../src/auth/throttle.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { STRANGER } from '../fakes/samples.ts';
import { STORE_UNAVAILABLE } from '../fakes/outage.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores, shortenTtls } from './open-cloud-stores.ts';
import { everythingIn } from './redis-contents.ts';
import { describeThrottle } from './throttle-suite.ts';

const environment = useCloud({ schema: false });

describeThrottle('throttle in memory', async () => {
  const { stores, clock } = openMemoryStores();
  return { throttle: stores.throttle, advance: async (ms) => clock.advance(ms) };
});

describeThrottle('throttle in Redis', async () => {
  return {
    throttle: openCloudStores(environment.cloud).throttle,
    advance: (ms) => shortenTtls(environment.cloud.redis, ms),
  };
});

const attemptOf = (username: string, network = '203.0.113.7') => ({
  attemptId: uuidV7(Date.now()),
  username,
  network,
  source: STRANGER,
});

describe('Redis throttle, its keys and commands', () => {
  test('no name is stored: people type passwords into that field', async () => {
    const attempt = attemptOf('correct horse');
    await openCloudStores(environment.cloud).throttle.reserve(attempt);
    const everything = await everythingIn(environment.cloud.redis);
    expect(everything).not.toContain('horse');
    // Nor a plain hash, which a dictionary would find.
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(everything).not.toContain(hash('sha256', 'correct horse', encoding));
  });

  test('each counter expires at the end of its window, an attempt after a while', async () => {
    const { throttle } = openCloudStores(environment.cloud);
    const attempt = attemptOf('ann', '2001:db8:1:2::/64');
    await throttle.reserve(attempt);
    const ttls: number[] = [];
    for (const key of (await environment.cloud.redis.keys('*')).sort())
      ttls.push(await environment.cloud.redis.ttl(key));
    // account-network, account, attempt, network, site
    for (const [i, seconds] of [900, 3600, ATTEMPT_SECONDS, 3600, 3600].entries()) {
      expect(ttls[i]).toBeGreaterThan(seconds - 30);
      expect(ttls[i]).toBeLessThanOrEqual(seconds);
    }
  });

  test('an attempt that was refused halfway is counted by the retry', async () => {
    const { throttle } = openCloudStores(environment.cloud);
    const attempt = attemptOf('ann');
    await environment.cloud.redis.hset('throttle:network:203.0.113.7', 'failures', 'not a number');
    await expect(throttle.reserve(attempt)).rejects.toMatchObject(STORE_UNAVAILABLE);
    await environment.cloud.redis.del('throttle:network:203.0.113.7');
    expect(await throttle.reserve(attempt)).toEqual({ status: 'allowed' });
    expect(await environment.cloud.redis.hget('throttle:network:203.0.113.7', 'failures')).toBe('1');
  });

  test('each method is one command', async () => {
    const { throttle } = openCloudStores(environment.cloud);
    const attempt = attemptOf('ann');
    environment.cloud.calls.length = 0;
    await throttle.reserve(attempt);
    await throttle.succeed(attempt);
    await throttle.release(attempt);
    expect(environment.cloud.calls).toHaveLength(3);
  });
});
