import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATION_RECEIPT_SECONDS, StartRefusedError } from '../../src/session/session-store.ts';
import { CLOCK_MARGIN_MS, upstashSessionAdmin } from '../../src/session/upstash-session-admin.ts';
import { PASSWORD_CHANGED_KEY_PREFIX } from '../../src/session/upstash-scripts.ts';
import { StoreUnavailableError } from '../../src/store/store-call.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { newTokenHash, newUserId, sampleSession, sampleStart } from '../fakes/samples.ts';
import { openCloud } from '../support/cloud.ts';
import { openCloudStores } from './open-cloud-stores.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());

const noScan = { scan: () => Promise.reject(new Error('not here')), keyCount: () => Promise.resolve(0) };
const openAdmin = () => upstashSessionAdmin(openCloudStores(cloud).redis, noScan);

/** By the store's clock, rounded down like the mark. */
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
    const mark = Number(await cloud.redis.get(PASSWORD_CHANGED_KEY_PREFIX + userId));
    // A Worker's clock may be ahead of the store's by the margin.
    expect(mark).toBeGreaterThanOrEqual(beforeMs + CLOCK_MARGIN_MS);
    expect(mark).toBeLessThanOrEqual((await storeNowMs()) + CLOCK_MARGIN_MS);

    await expect(start(mark - 1)).rejects.toThrow(StartRefusedError);
    await expect(start(mark)).resolves.toMatchObject({ logouts: [] });
    await expect(start(mark - 1, newUserId())).resolves.toMatchObject({ logouts: [] });
  });

  test('the mark outlives any sign-in and then goes; a later one stays', async () => {
    const userId = newUserId();
    const key = PASSWORD_CHANGED_KEY_PREFIX + userId;
    const laterMs = (await storeNowMs()) + 60_000;
    await cloud.redis.set(key, laterMs, 'EX', 1);
    await openAdmin().refuseStartsUnderWay(userId);
    expect(await cloud.redis.get(key)).toBe(String(laterMs));
    const seconds = await cloud.redis.ttl(key);
    expect(seconds).toBeGreaterThan(OPERATION_RECEIPT_SECONDS - 60);
    expect(seconds).toBeLessThanOrEqual(OPERATION_RECEIPT_SECONDS);
  });

  test('without an answer of the script it is an outage', async () => {
    cloud.faults.set('redis', { kind: 'status', status: 200, body: '{"result":"PONG"}' });
    await expect(openAdmin().refuseStartsUnderWay(newUserId())).rejects.toThrow(StoreUnavailableError);
    cloud.faults.clear();
  });
});
