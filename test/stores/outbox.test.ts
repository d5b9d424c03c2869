import { describe, expect, test } from 'vitest';
import { ATTEMPTS_KEY, OUTBOX_KEY, SET_ASIDE_KEY } from '../../src/activity/redis-outbox.ts';
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { describeOutbox } from './outbox-suite.ts';

const environment = useCloud({ schema: false });

describeOutbox('outbox in memory', async () => {
  const { outbox } = openMemoryStores().stores;
  return {
    outbox,
    putText: async (text) => outbox.putText(text).entryId,
    addAttempts: async (count) => {
      for (let i = 0; i < count; i += 1) outbox.putText('{}', '/attempt');
    },
    aside: async () => [...outbox.aside],
  };
});

describeOutbox('outbox in Redis', async () => {
  return {
    outbox: openCloudStores(environment.cloud).outbox,
    putText: async (text) => (await environment.cloud.redis.xadd(OUTBOX_KEY, '*', 'event', text)) ?? '',
    addAttempts: async (count) => {
      const pipeline = environment.cloud.redis.pipeline();
      for (let i = 0; i < count; i += 1) pipeline.xadd(ATTEMPTS_KEY, '*', 'event', '{}');
      await pipeline.exec();
    },
    aside: async () => {
      const entries = await environment.cloud.redis.xrange(SET_ASIDE_KEY, '-', '+');
      return entries.map(([, fields]) => {
        const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
        return { text: field('event'), reason: field('reason'), atMs: Number(field('at')) };
      });
    },
  };
});

describe('Redis outbox, its entries and commands', () => {
  test('an entry without an event field is no event', async () => {
    const { outbox } = openCloudStores(environment.cloud);
    const entryId = await environment.cloud.redis.xadd(OUTBOX_KEY, '*', 'something', 'else');
    expect(await outbox.readOldest(1)).toEqual([{ entryId, activity: null }]);
  });

  test('sessions without an event are counted', async () => {
    await environment.cloud.redis.sadd('outbox:unrecorded', 'one', 'two');
    expect(await openCloudStores(environment.cloud).outbox.status()).toMatchObject({
      pending: 0,
      unrecorded: 2,
    });
  });

  test('two entries with the same id, one of them a failed attempt, are removed by themselves', async () => {
    const { outbox } = openCloudStores(environment.cloud);
    const [logout, attempt] = [
      sampleLogout(Date.now()),
      sampleLogin(Date.now(), { outcome: 'bad_credentials' }),
    ];
    await environment.cloud.redis.xadd(OUTBOX_KEY, '1-1', 'event', encodeActivity(logout));
    await environment.cloud.redis.xadd(ATTEMPTS_KEY, '1-1', 'event', encodeActivity(attempt));
    const [first, second] = await outbox.readOldest(10);
    await outbox.remove([second!.entryId]);
    expect(await outbox.readOldest(10)).toEqual([{ entryId: '1-1', activity: logout }]);
    await environment.cloud.redis.xadd(ATTEMPTS_KEY, '1-2', 'event', encodeActivity(attempt));
    await outbox.remove([first!.entryId]);
    expect(await outbox.readOldest(10)).toMatchObject([{ activity: attempt }]);
  });

  test('reading, setting aside and status are one command each; removing nothing is none', async () => {
    const { outbox } = openCloudStores(environment.cloud);
    environment.cloud.calls.length = 0;
    await outbox.readOldest(1);
    await outbox.setAside('1-1', 'reason', 1);
    await outbox.status();
    await outbox.remove([]);
    expect(environment.cloud.calls).toHaveLength(3);
  });
});
