import { describe, expect, test } from 'vitest';
import { PASSWORD_CHANGES_KEY } from '../../src/session/redis-keys.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores, shortenTtls } from './open-cloud-stores.ts';
import { changeBy, describePasswordChanges } from './password-changes-suite.ts';
import { begin } from './session-store/under-test.ts';

const environment = useCloud({ schema: false });

const openInRedis = () => {
  const {
    passwordChanges: changes,
    sessions: store,
    sessionEnds: ends,
    outbox,
  } = openCloudStores(environment.cloud);
  return {
    changes,
    store,
    ends,
    outbox,
    nowMs: () => Date.now(),
    advance: (ms: number) => shortenTtls(environment.cloud.redis, ms),
  };
};

describePasswordChanges('password changes in memory', async () => {
  const { stores, clock } = openMemoryStores();
  const { passwordChanges: changes, sessions: store, sessionEnds: ends, outbox } = stores;
  return {
    changes,
    store,
    ends,
    outbox,
    nowMs: () => clock.nowMs(),
    advance: async (ms) => clock.advance(ms),
  };
});

describePasswordChanges('password changes in Redis', async () => openInRedis());

describe('Redis password changes, their entries and commands', () => {
  test.each(['garbage', '{}', '[]', '{"v":2,"startedAtMs":"then"}'])(
    'the entry %j, which a later release may read, is skipped, and replaced if its session changes the password here',
    async (text) => {
      const { redis } = environment.cloud;
      const under = openInRedis();
      const begun = await begin(under);
      const change = changeBy(begun, Date.now());
      await redis.hset(PASSWORD_CHANGES_KEY, begun.tokenHash, text);
      expect(await under.changes.findStartedBefore(Number.MAX_SAFE_INTEGER, 1)).toEqual([]);
      await under.changes.drop(change);
      expect(await redis.hget(PASSWORD_CHANGES_KEY, begun.tokenHash)).toBe(text);
      expect(await under.changes.begin(change)).toEqual(change);
      expect(await under.changes.findStartedBefore(Number.MAX_SAFE_INTEGER, 1)).toEqual([change]);
    },
  );

  test('each method is one command', async () => {
    const under = openInRedis();
    const change = changeBy(await begin(under), Date.now());
    environment.cloud.calls.length = 0;
    await under.changes.begin(change);
    await under.changes.findStartedBefore(Date.now(), 1);
    await under.changes.drop(change);
    expect(environment.cloud.calls).toHaveLength(3);
  });
});
