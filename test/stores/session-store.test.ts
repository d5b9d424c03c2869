import { openMemoryStores } from '../fakes/memory-stores.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores, shortenTtls } from './open-cloud-stores.ts';
import { describeSessionStore } from './session-store/suite.ts';

const environment = useCloud({ schema: false });

describeSessionStore('sessions in memory', async () => {
  const { stores, clock } = openMemoryStores();
  const { sessions: store, sessionEnds: ends, outbox } = stores;
  return { store, ends, outbox, nowMs: () => clock.nowMs(), advance: async (ms) => clock.advance(ms) };
});

describeSessionStore('sessions in Redis', async () => {
  const { sessions: store, sessionEnds: ends, outbox } = openCloudStores(environment.cloud);
  // The store's time starts at the machine's and moves when TTLs are shortened.
  let nowMs = Date.now();
  return {
    store,
    ends,
    outbox,
    nowMs: () => nowMs,
    advance: async (ms) => {
      await shortenTtls(environment.cloud.redis, ms);
      nowMs += ms;
    },
  };
});
