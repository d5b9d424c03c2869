import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CUTOFF_SECONDS } from '../../../src/session/session-store.ts';
import { CLOCK_MARGIN_MS, redisSessionAdmin } from '../../../tools/hoskie/stores/redis-session-admin.ts';
import { CUTOFF_KEY_PREFIX } from '../../../src/session/redis-keys.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { newTokenHash, newUserId, sampleSession, sampleStart } from '../../fakes/samples.ts';
import { openCloud } from '../../support/cloud.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());

const openAdmin = () => redisSessionAdmin(openCloudStores(cloud).redis);

/** By the store's clock, rounded down like the cutoff. */
async function storeNowMs(): Promise<number> {
  const [seconds, microseconds] = (await cloud.redis.time()).map(Number);
  return seconds! * 1000 + Math.floor(microseconds! / 1000);
}

test('nowMs is the store’s clock', async () => {
  const beforeMs = await storeNowMs();
  const nowMs = await openAdmin().nowMs();
  expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
  expect(nowMs).toBeLessThanOrEqual(await storeNowMs());
});

describe('refuseStartsUnderWay', () => {
  test('refuses starts that were checked before, and no others', async () => {
    const { sessions } = openCloudStores(cloud);
    const userId = newUserId();
    const start = (checkedFromMs: number, whose = userId) =>
      sessions.start(
        sampleStart(sampleSession(Date.now(), { userId: whose }), newTokenHash(), { checkedFromMs }),
      );
    const beforeMs = await storeNowMs();
    await start(beforeMs);
    await openAdmin().refuseStartsUnderWay(userId);
    const cutoffMs = Number(await cloud.redis.get(CUTOFF_KEY_PREFIX + userId));
    // A Worker's clock may be ahead of the store's by the margin.
    expect(cutoffMs).toBeGreaterThanOrEqual(beforeMs + CLOCK_MARGIN_MS);
    expect(cutoffMs).toBeLessThanOrEqual((await storeNowMs()) + CLOCK_MARGIN_MS);

    await expect(start(cutoffMs - 1)).resolves.toEqual({ status: 'superseded' });
    await expect(start(cutoffMs)).resolves.toMatchObject({ logouts: [] });
    await expect(start(cutoffMs - 1, newUserId())).resolves.toMatchObject({ logouts: [] });
  });

  test('a cutoff outlives any sign-in and then goes; a later one stays', async () => {
    const userId = newUserId();
    const key = CUTOFF_KEY_PREFIX + userId;
    const laterMs = (await storeNowMs()) + 60_000;
    await cloud.redis.set(key, laterMs, 'EX', 1);
    await openAdmin().refuseStartsUnderWay(userId);
    expect(await cloud.redis.get(key)).toBe(String(laterMs));
    const seconds = await cloud.redis.ttl(key);
    expect(seconds).toBeGreaterThan(CUTOFF_SECONDS - 60);
    expect(seconds).toBeLessThanOrEqual(CUTOFF_SECONDS);
  });

  test('an unexpected reply is an outage', async () => {
    cloud.faults.set('redis', { kind: 'status', status: 200, body: '{"result":"PONG"}' });
    await expect(openAdmin().refuseStartsUnderWay(newUserId())).rejects.toMatchObject(STORE_UNAVAILABLE);
    cloud.faults.clear();
  });
});
