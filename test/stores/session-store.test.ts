import { afterAll, beforeAll } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { openCloud } from '../support/cloud.ts';
import { openCloudStores, shortenTtls } from './open-cloud-stores.ts';
import { describeSessionStore } from './session-store/suite.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());

describeSessionStore('sessions in memory', async () => {
  const { stores, clock } = openMemoryStores();
  const { sessions: store, outbox } = stores;
  return { store, outbox, nowMs: () => clock.nowMs(), advance: async (ms) => clock.advance(ms) };
});

describeSessionStore('sessions in Redis', async () => {
  await cloud.redis.flushdb();
  const { sessions: store, outbox } = openCloudStores(cloud);
  // The store's time starts at the machine's and moves when TTLs are shortened.
  let nowMs = Date.now();
  return {
    store,
    outbox,
    nowMs: () => nowMs,
    advance: async (ms) => {
      await shortenTtls(cloud.redis, ms);
      nowMs += ms;
    },
  };
});
