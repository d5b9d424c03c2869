import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OUTBOX_KEY, SET_ASIDE_KEY } from '../../src/activity/redis-outbox.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { openCloud } from '../support/cloud.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { describeOutbox } from './outbox-suite.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());

describeOutbox('outbox in memory', async () => {
  const { outbox } = openMemoryStores().stores;
  return {
    outbox,
    putText: async (text) => outbox.putText(text).entryId,
    aside: async () => [...outbox.aside],
  };
});

describeOutbox('outbox in Redis', async () => {
  await cloud.redis.flushdb();
  return {
    outbox: openCloudStores(cloud).outbox,
    putText: async (text) => (await cloud.redis.xadd(OUTBOX_KEY, '*', 'event', text)) ?? '',
    aside: async () => {
      const entries = await cloud.redis.xrange(SET_ASIDE_KEY, '-', '+');
      return entries.map(([, fields]) => {
        const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
        return { text: field('event'), reason: field('reason'), atMs: Number(field('at')) };
      });
    },
  };
});

describe('Redis outbox, its entries and commands', () => {
  test('an entry without an event field is no event', async () => {
    await cloud.redis.flushdb();
    const { outbox } = openCloudStores(cloud);
    const entryId = await cloud.redis.xadd(OUTBOX_KEY, '*', 'something', 'else');
    expect(await outbox.readOldest(1)).toEqual([{ entryId, activity: null }]);
  });

  test('reading, setting aside and status are one command each; removing nothing is none', async () => {
    const { outbox } = openCloudStores(cloud);
    cloud.calls.length = 0;
    await outbox.readOldest(1);
    await outbox.setAside('1-1', 'reason', 1);
    await outbox.status();
    await outbox.remove([]);
    expect(cloud.calls).toHaveLength(3);
  });
});
