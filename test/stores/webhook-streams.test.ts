import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import { queueKey } from '../../src/activity/redis-webhook-queue.ts';
import { redisSessionEnds } from '../../src/session/redis-session-ends.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import { endsAtMs, minuteOf } from '../../src/session/rules.ts';
import type { Streams } from '../../src/session/script-values.ts';
import type { SessionStore } from '../../src/session/session-store.ts';
import {
  newTokenHash,
  sampleOperation,
  sampleReceiver,
  sampleSession,
  sampleStart,
} from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';

// The scripts that start and end sessions also add their events to the queues of receivers.

const environment = useCloud({ schema: false });
const NOW_MS = Date.now();
const STREAMS: Streams = { end: ['a', 'b'], start: ['b'] };

let sessions: SessionStore;
const openWith = (streams: Streams): SessionStore =>
  redisSessionStore(openCloudStores(environment.cloud).redis, 'primary', streams);
beforeEach(() => (sessions = openWith(STREAMS)));
afterEach(() => environment.cloud.setRedisFull(false));

const queued = async (receiver: string): Promise<{ receiver: string; entryId: string; event: string }[]> =>
  (await environment.cloud.redis.xrange(queueKey(receiver), '-', '+')).map(([entryId, [, event = '']]) => ({
    receiver,
    entryId,
    event,
  }));

async function start(store = sessions) {
  const tokenHash = newTokenHash();
  const request = sampleStart(sampleSession(NOW_MS), tokenHash);
  const result = await store.start(request);
  if (result.status !== 'started') throw new Error(result.status);
  return { tokenHash, request, result };
}

test('a start is queued for those who want starts, in its own step', async () => {
  environment.cloud.calls.length = 0;
  const { request, result } = await start();
  expect(environment.cloud.calls).toHaveLength(1);
  const [entry] = await queued('b');
  expect(entry?.event).toBe(encodeActivity(request.login));
  expect(result.loginQueuedFor).toEqual([{ receiver: 'b', entryId: entry?.entryId }]);
  expect(await queued('a')).toEqual([]);
});

test('an end is queued for those who want ends, in its own step', async () => {
  const { tokenHash } = await start();
  environment.cloud.calls.length = 0;
  const [logout] = await sessions.end([tokenHash], 'either', 'logout', sampleOperation(NOW_MS));
  expect(environment.cloud.calls).toHaveLength(1);
  const [[ofA], ofB] = [await queued('a'), await queued('b')];
  expect(logout?.queuedFor).toEqual([
    { receiver: 'a', entryId: ofA?.entryId },
    { receiver: 'b', entryId: ofB[1]?.entryId },
  ]);
  expect(ofA?.event).toBe(ofB[1]?.event);
  expect(JSON.parse(ofA!.event)).toEqual(JSON.parse(encodeActivity(logout!.activity)));
});

test('a retry after a lost reply queues nothing twice, and still says where it is', async () => {
  const { tokenHash } = await start();
  const operation = sampleOperation(NOW_MS);
  const end = () => sessions.end([tokenHash], 'either', 'logout', operation);
  const [first, second] = [await end(), await end()];
  expect(second).toEqual(first);
  expect(await queued('a')).toHaveLength(1);
});

test('what a start ends is queued as well: replaced and evicted sessions', async () => {
  const { tokenHash, request } = await start();
  const session = sampleSession(NOW_MS, { userId: request.session.userId });
  const result = await sessions.start(sampleStart(session, newTokenHash(), { replaces: [tokenHash] }));
  expect(result).toMatchObject({
    logouts: [{ activity: { reason: 'replaced' }, queuedFor: [{ receiver: 'a' }, { receiver: 'b' }] }],
  });
});

test('so is a session whose start was given up', async () => {
  const { tokenHash, request } = await start();
  const logouts = await sessions.abandon(tokenHash, request.session, sampleOperation(NOW_MS));
  const [[ofA], ofB] = [await queued('a'), await queued('b')];
  expect(ofA?.event).toContain('"abandoned"');
  expect(logouts).toMatchObject([
    {
      queuedFor: [
        { receiver: 'a', entryId: ofA?.entryId },
        { receiver: 'b', entryId: ofB[1]?.entryId },
      ],
    },
  ]);
});

describe('the expiry of a session', () => {
  const LATER_MS = NOW_MS + 7_200_000 + 60_000;

  test('is queued by the cron that finds it', async () => {
    const { tokenHash, request } = await start();
    const ends = redisSessionEnds(openCloudStores(environment.cloud).redis, STREAMS);
    const minute = minuteOf(endsAtMs(request.session));
    const found = [{ tokenHash, userId: request.session.userId }];
    const [logout] = await ends.endExpired(minute, found, LATER_MS);
    expect(logout).toMatchObject({ activity: { reason: 'expired_idle' }, queuedFor: [{}, {}] });
    expect((await queued('a'))[0]?.event).toContain('"expired_idle"');
  });

  test('is queued by whatever else comes upon it', async () => {
    const { tokenHash } = await start();
    expect(await sessions.end([tokenHash], 'either', 'admin', sampleOperation(LATER_MS))).toEqual([]);
    expect((await queued('a')).map(({ event }) => event.includes('"expired_idle"'))).toEqual([true]);
  });
});

describe('a full Redis', () => {
  test('ends the session all the same; what it rejected is for the caller to push', async () => {
    const { tokenHash } = await start();
    environment.cloud.setRedisFull(true);
    const [logout] = await sessions.end([tokenHash], 'either', 'logout', sampleOperation(NOW_MS));
    expect(logout?.queuedFor?.map(({ receiver }) => receiver)).toEqual(['a', 'b']);
    expect(await sessions.check({ kind: 'either', tokenHashes: [tokenHash] }, NOW_MS)).toMatchObject({
      status: 'invalid',
    });
  });
});

test('a queue that is no stream ends no less', async () => {
  const { tokenHash } = await start();
  await environment.cloud.redis.set(queueKey('a'), 'no stream');
  const [logout] = await sessions.end([tokenHash], 'either', 'logout', sampleOperation(NOW_MS));
  expect(logout?.queuedFor).toEqual([
    { receiver: 'a', entryId: null },
    { receiver: 'b', entryId: expect.any(String) as string },
  ]);
});

describe('the operator’s tool, which doesn’t know the receivers,', () => {
  test('queues for those that the Workers last had', async () => {
    const { queue } = openCloudStores(environment.cloud).webhooks;
    const receivers = [
      sampleReceiver({ name: 'a' }),
      sampleReceiver({ name: 'starts', events: ['start', 'failure'] }),
    ];
    await queue.tidy(receivers, NOW_MS);
    const tool = openWith('stored');
    const { tokenHash } = await start(openWith({}));
    const [logout] = await tool.end([tokenHash], 'either', 'admin', sampleOperation(NOW_MS));
    expect(logout).not.toHaveProperty('queuedFor');
    expect(await queued('a')).toHaveLength(1);
    expect(await queued('starts')).toEqual([]);
  });

  test.each(['garbage', '[]', '{}', '{"events":"end"}', 'null'])(
    'ends sessions even if the list of receivers has %s',
    async (text) => {
      await environment.cloud.redis.hset('webhooks:receivers', 'a', text);
      const { tokenHash } = await start(openWith({}));
      const ended = await openWith('stored').end([tokenHash], 'either', 'admin', sampleOperation(NOW_MS));
      expect(ended).toHaveLength(1);
    },
  );
});

test('without receivers nothing is queued, and nothing more is asked of Redis', async () => {
  const store = openWith({});
  const { tokenHash, result } = await start(store);
  const [logout] = await store.end([tokenHash], 'either', 'logout', sampleOperation(NOW_MS));
  expect(result).not.toHaveProperty('loginQueuedFor');
  expect(logout).not.toHaveProperty('queuedFor');
  expect(await environment.cloud.redis.keys('webhook*')).toEqual([]);
});
