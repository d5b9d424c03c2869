import { expect, test } from 'vitest';
import { encodeActivity, parseActivity } from '../../src/activity/activity-encoding.ts';
import { redisOutbox } from '../../src/activity/redis-outbox.ts';
import {
  queueKey,
  RECEIVERS_KEY,
  redisWebhookQueue,
  setAsideKey,
  stateKey,
} from '../../src/activity/redis-webhook-queue.ts';
import { QUEUED_FAILURES_MAX } from '../../src/activity/webhook-queue.ts';
import { MemoryWebhookQueue } from '../fakes/memory-webhook-queue.ts';
import { Outage } from '../fakes/outage.ts';
import { sampleLogin, sampleLogout, sampleReceiver } from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { everythingIn } from './redis-contents.ts';
import { describeWebhookQueue } from './webhook-queue-suite.ts';

const environment = useCloud({ schema: false });

describeWebhookQueue('queues in memory', async (queueMax) => {
  const queue = new MemoryWebhookQueue(new Outage(), queueMax);
  return {
    queue,
    put: async (...args) => queue.put(...args),
    fill: async (receiver, count, atMs) => {
      for (let i = 0; i < count; i += 1) queue.put(receiver, '{}', atMs);
    },
    aside: async (receiver) => queue.setAsideOf(receiver),
  };
});

describeWebhookQueue('queues in Redis', async (queueMax) => {
  const { redis } = environment.cloud;
  const queue = redisWebhookQueue(openCloudStores(environment.cloud).redis, queueMax);
  return {
    queue,
    put: async (receiver, activity, atMs) => {
      const text = typeof activity === 'string' ? activity : encodeActivity(activity);
      return (await redis.xadd(queueKey(receiver), `${atMs}-*`, 'event', text)) ?? '';
    },
    fill: async (receiver, count, atMs) => {
      const pipeline = redis.pipeline();
      for (let i = 0; i < count; i += 1) pipeline.xadd(queueKey(receiver), `${atMs}-*`, 'event', '{}');
      await pipeline.exec();
    },
    aside: async (receiver) =>
      (await redis.xrange(setAsideKey(receiver), '-', '+')).map(
        ([, fields]) => `${parseActivity(fields[1])?.id} ${fields[3]}`,
      ),
  };
});

const RECEIVER = sampleReceiver({ name: 'a' });

test('what Redis has of a receiver is its name, what it wants and how it is: no address, no token', async () => {
  const { queue } = openCloudStores(environment.cloud).webhooks;
  await queue.tidy([RECEIVER], Date.now());
  await queue.fail('a', { reason: 'http_500', count: 1 }, Date.now());
  const everything = await everythingIn(environment.cloud.redis);
  expect(everything).toContain(RECEIVERS_KEY);
  for (const secret of [RECEIVER.token, RECEIVER.audience, 'billing'])
    expect(everything).not.toContain(secret);
});

test('tidying leaves alone what it can’t read in the list of receivers, but for an old entry', async () => {
  const { queue } = openCloudStores(environment.cloud).webhooks;
  await environment.cloud.redis.hset(RECEIVERS_KEY, 'b', 'garbage');
  expect((await queue.tidy([RECEIVER], Date.now())).gone).toEqual([{ receiver: 'b', dropped: 0 }]);
});

test('each step is one command, and one for all receivers of the cron', async () => {
  const { queue } = openCloudStores(environment.cloud).webhooks;
  environment.cloud.calls.length = 0;
  await queue.tidy([RECEIVER, sampleReceiver({ name: 'b' })], Date.now());
  await queue.read('a', null, String(Date.now()), 100);
  await queue.accept('a', ['1-1', '1-2'], Date.now());
  await queue.fail('a', { reason: 'http_500', count: 1 }, Date.now());
  await queue.setAside('a', '1-1', 'http_400', Date.now());
  await queue.backingOffUntilMs('a');
  expect(environment.cloud.calls).toHaveLength(6);
});

test('a failed sign-in is queued for those that want it, in the step that records it', async () => {
  const { redis } = openCloudStores(environment.cloud);
  const attempt = sampleLogin(Date.now(), { outcome: 'bad_credentials', sessionId: null });
  environment.cloud.calls.length = 0;
  const { queuedFor } = await redisOutbox(redis, ['a', 'b']).add(attempt);
  expect(environment.cloud.calls).toHaveLength(1);
  for (const [i, receiver] of ['a', 'b'].entries()) {
    const [[entryId, fields] = ['', []]] = await environment.cloud.redis.xrange(queueKey(receiver), '-', '+');
    expect(queuedFor?.[i]).toEqual({ receiver, entryId });
    expect(fields).toEqual(['event', encodeActivity(attempt)]);
  }
});

test('nothing is queued without receivers, and no log-out that an operator restores', async () => {
  const { redis } = openCloudStores(environment.cloud);
  const attempt = sampleLogin(Date.now(), { outcome: 'bad_credentials', sessionId: null });
  expect(await redisOutbox(redis).add(attempt)).not.toHaveProperty('queuedFor');
  expect(await redisOutbox(redis, ['a']).add(sampleLogout(Date.now()))).not.toHaveProperty('queuedFor');
  expect(await environment.cloud.redis.keys('webhook*')).toEqual([]);
});

test('failed sign-ins push nothing out of a queue: beyond their share they are counted, neither queued nor pushed', async () => {
  const { redis } = openCloudStores(environment.cloud);
  const pipeline = environment.cloud.redis.pipeline();
  for (let i = 0; i < QUEUED_FAILURES_MAX; i += 1) pipeline.xadd(queueKey('a'), '*', 'event', '{}');
  await pipeline.exec();
  const attempt = sampleLogin(Date.now(), { outcome: 'bad_credentials', sessionId: null });
  const { queuedFor } = await redisOutbox(redis, ['a', 'b']).add(attempt);
  // The caller pushes what is in here.
  expect(queuedFor).toEqual([{ receiver: 'b', entryId: expect.any(String) as string }]);
  expect(await environment.cloud.redis.xlen(queueKey('a'))).toBe(QUEUED_FAILURES_MAX);
  expect(await environment.cloud.redis.hget(stateKey('a'), 'dropped')).toBe('1');
  const { queue } = openCloudStores(environment.cloud).webhooks;
  expect((await queue.tidy([RECEIVER], Date.now())).queues).toMatchObject([{ dropped: 1 }]);
  expect((await queue.tidy([RECEIVER], Date.now())).queues).toMatchObject([{ dropped: 0 }]);
});
