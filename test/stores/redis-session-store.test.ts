import { beforeEach, describe, expect, test } from 'vitest';
import { OUTBOX_KEY, UNRECORDED_KEY } from '../../src/activity/redis-outbox.ts';
import {
  ENDED_KEY_PREFIX,
  endsKey,
  INDEX_KEY_PREFIX,
  SESSION_KEY_PREFIX,
} from '../../src/session/redis-keys.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import { endsAtMs, minuteOf } from '../../src/session/rules.ts';
import type { RecordedLogout } from '../../src/session/session-store.ts';
import { hashToken, newToken, type Token } from '../../src/session/token.ts';
import { STORE_UNAVAILABLE } from '../fakes/outage.ts';
import {
  newTokenHash,
  newUserId,
  sampleOperation,
  sampleSession,
  sampleStart,
  offer,
} from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { expectIndexesAgree, everythingIn } from './redis-contents.ts';
import { begin, pendingLogouts, type SessionStoreUnderTest } from './session-store/under-test.ts';

// What only the adapter has: keys, TTLs, commands. What it returns is in session-store/suite.ts.

const environment = useCloud({ schema: false });
let under: SessionStoreUnderTest;
const recordKey = (hash: string): string => SESSION_KEY_PREFIX + hash;
beforeEach(async () => {
  environment.cloud.calls.length = 0;
  const { sessions: store, sessionEnds: ends, outbox } = openCloudStores(environment.cloud);
  const nowMs = Date.now();
  under = { store, ends, outbox, nowMs: () => nowMs, advance: () => Promise.reject(new Error('not here')) };
});

describe('an outbox that accepts nothing', () => {
  interface RevokedResult {
    readonly logouts: readonly RecordedLogout[];
  }
  type Result = readonly RecordedLogout[] | RevokedResult;
  type Step = (me: Awaited<ReturnType<typeof begin>>) => Promise<Result>;
  const nowMs = Date.now();
  const steps: [string, Step][] = [
    [
      'end',
      ({ credential }) => under.store.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(nowMs)),
    ],
    [
      'revoke all',
      ({ credential }) =>
        under.store.revoke(credential, 'all', sampleOperation(nowMs)) as Promise<RevokedResult>,
    ],
    [
      'renew',
      (me) =>
        under.store.renew(
          me.credential,
          newTokenHash(),
          me.session,
          sampleOperation(nowMs),
        ) as Promise<RevokedResult>,
    ],
  ];

  // As on Upstash when a stream has reached the plan's record size.
  test.each(steps)('%s: ends sessions all the same, and returns their events', async (name, step) => {
    const userId = newUserId();
    const [me, other] = [await begin(under, { userId }), await begin(under, { userId })];
    const ended = { end: [me], 'revoke all': [me, other], renew: [other] }[name] ?? [];
    await environment.cloud.redis.set(OUTBOX_KEY, 'no stream');
    const result = await step(me);
    const logouts = 'logouts' in result ? result.logouts : result;
    expect(logouts.map(({ entryId }) => entryId)).toEqual(ended.map(() => null));
    expect(logouts.map(({ activity }) => activity.sessionId).sort()).toEqual(
      ended.map(({ session }) => session.id).sort(),
    );
    for (const { credential, tokenHash } of ended) {
      expect(await under.store.check(credential, under.nowMs())).toMatchObject({ reason: 'ended' });
      expect(await environment.cloud.redis.exists(recordKey(tokenHash))).toBe(0);
    }
    const unrecorded = await environment.cloud.redis.smembers(UNRECORDED_KEY);
    expect(unrecorded.sort()).toEqual(logouts.map(({ activity }) => activity.id).sort());

    const { outbox } = openCloudStores(environment.cloud);
    await outbox.markRecorded(logouts.map(({ activity }) => activity.id));
    expect(await environment.cloud.redis.exists(UNRECORDED_KEY)).toBe(0);
  });
});

test('a full outbox starts no session, and a retry starts it with its login event', async () => {
  const request = sampleStart(sampleSession(under.nowMs()), newTokenHash());
  const credential = offer(request.tokenHash, 'cookie');
  await environment.cloud.redis.set(OUTBOX_KEY, 'no stream');
  await expect(under.store.start(request)).rejects.toMatchObject(STORE_UNAVAILABLE);
  expect(await under.store.check(credential, under.nowMs())).toMatchObject({ reason: 'unknown' });

  await environment.cloud.redis.del(OUTBOX_KEY);
  expect(await under.store.start(request)).toMatchObject({ loginEntryId: expect.any(String) as string });
  expect(await environment.cloud.redis.xlen(OUTBOX_KEY)).toBe(1);
});

test('a start whose end can’t be noted leaves no sign-in and ends nothing', async () => {
  const replaced = await begin(under);
  const session = sampleSession(under.nowMs(), { idleAgeSeconds: 1800 });
  await environment.cloud.redis.set(endsKey(minuteOf(endsAtMs(session))), 'no set');
  const before = await environment.cloud.redis.xlen(OUTBOX_KEY);
  const request = sampleStart(session, newTokenHash(), { replaces: [replaced.tokenHash] });
  await expect(under.store.start(request)).rejects.toMatchObject(STORE_UNAVAILABLE);
  expect(await environment.cloud.redis.xlen(OUTBOX_KEY)).toBe(before);
  expect(await under.store.check(replaced.credential, under.nowMs())).toMatchObject({ status: 'valid' });
});

describe('commands', () => {
  test('each method sends one; a check is a script, which no replica runs, unless the setting allows it', async () => {
    const { store } = under;
    const t = under.nowMs();
    const session = sampleSession(t);
    const credential = offer(newTokenHash(), 'cookie');
    const methods: (() => Promise<unknown>)[] = [
      () => store.start(sampleStart(session, credential.tokenHash)),
      () => store.refresh(credential.tokenHash, { ...session, lastSeenAtMs: t + 1 }),
      () => store.list(credential, t),
      () => store.revoke(credential, 'others', sampleOperation(t)),
      () => store.renew(credential, newTokenHash(), session, sampleOperation(t)),
      () => store.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(t)),
      () => store.abandon(newTokenHash(), session, sampleOperation(t)),
      () => store.check(credential, t),
    ];
    for (const method of methods) {
      environment.cloud.calls.length = 0;
      await method();
      expect(
        environment.cloud.calls.flatMap((call) => (call.store === 'redis' ? call.commands : [])),
      ).toHaveLength(1);
    }
    const keys = [recordKey(credential.tokenHash), `ended:${credential.tokenHash}`];
    const asScript = ['eval', expect.stringContaining('allow-key-locking') as string, '2', ...keys];
    expect(environment.cloud.calls).toMatchObject([{ commands: [asScript] }]);

    const fromReplica = redisSessionStore(openCloudStores(environment.cloud).redis, 'replica');
    environment.cloud.calls.length = 0;
    await fromReplica.check(credential, t);
    await fromReplica.check(credential, t, { fromPrimary: true });
    expect(environment.cloud.calls).toMatchObject([
      { commands: [['mget', ...keys]] },
      { commands: [asScript] },
    ]);
  });

  test('no raw token is sent to Redis', async () => {
    const tokens: Token[] = [newToken(), newToken(), newToken(), newToken()];
    const [old, first, second, third] = tokens.map(hashToken);
    const t = under.nowMs();
    const { store } = under;
    const [oldSession, session] = [sampleSession(t), sampleSession(t)];
    await store.start(sampleStart(oldSession, old!));
    await store.start(sampleStart(session, first!, { replaces: [old!] }));
    await store.renew(offer(first!, 'cookie'), second!, session, sampleOperation(t));
    await store.refresh(second!, { ...session, lastSeenAtMs: t + 1 });
    await store.revoke(offer(second!, 'cookie'), 'all', sampleOperation(t));
    await store.abandon(third!, sampleSession(t), sampleOperation(t));
    const seen = (await everythingIn(environment.cloud.redis)) + JSON.stringify(environment.cloud.calls);
    expect(seen).toContain(second);
    for (const token of tokens) expect(seen).not.toContain(token);
  });
});

describe('unreadable records', () => {
  test.each(['', 'garbage', '{}', '[]', '[9,"another version"]', 'null', '7', '[1,2,3]'])(
    'a record that is %j does not affect the user’s others',
    async (text) => {
      const { store } = under;
      const t = under.nowMs();
      const userId = newUserId();
      const [me, damaged] = [await begin(under, { userId }), await begin(under, { userId })];
      await environment.cloud.redis.set(recordKey(damaged.tokenHash), text);
      expect(await store.list(me.credential, t)).toMatchObject({ sessions: [{ id: me.session.id }] });
      await environment.cloud.redis.hset(INDEX_KEY_PREFIX + userId, damaged.session.id, damaged.tokenHash);
      const next = await begin(under, { userId }, { replaces: [damaged.tokenHash], maxSessionsPerUser: 5 });
      expect(next.started.logouts).toEqual([]);
      const ended = await store.end(
        [damaged.tokenHash, me.tokenHash],
        'cookie',
        'logout',
        sampleOperation(t),
      );
      expect(ended).toMatchObject([{ activity: { sessionId: me.session.id } }]);
      expect(await store.refresh(damaged.tokenHash, { ...damaged.session, lastSeenAtMs: t + 1 })).toBe(false);
    },
  );

  test('an unexpected reply is an outage: neither signed in nor signed out', async () => {
    const { credential } = await begin(under);
    environment.cloud.faults.set('redis', { kind: 'status', status: 200, body: '{"result":"PONG"}' });
    const { store } = under;
    const operation = sampleOperation(under.nowMs());
    await expect(store.end([credential.tokenHash], 'cookie', 'logout', operation)).rejects.toMatchObject(
      STORE_UNAVAILABLE,
    );
    await expect(store.list(credential, under.nowMs())).rejects.toMatchObject(STORE_UNAVAILABLE);
    environment.cloud.faults.clear();
  });
});

describe('at the same time', () => {
  test('starts, refreshes, revocations and renewals keep index, records and outbox consistent', async () => {
    const { store } = under;
    const t = under.nowMs();
    const userId = newUserId();
    let begun = [await begin(under, { userId })];
    const everBegun = new Set(begun.map(({ session }) => session.id));
    for (let round = 0; round < 12; round += 1) {
      const [own] = begun;
      const work: Promise<unknown>[] = begun.map(({ tokenHash, session }) =>
        store.refresh(tokenHash, { ...session, lastSeenAtMs: t + round + 1 }),
      );
      const starts = Array.from({ length: 5 }, () => begin(under, { userId }, { maxSessionsPerUser: 4 }));
      if (own !== undefined) {
        const { credential, session } = own;
        const scope = round % 2 === 0 ? 'all' : 'others';
        work.push(store.revoke(credential, scope, sampleOperation(t)));
        if (round % 3 === 0) work.push(store.renew(credential, newTokenHash(), session, sampleOperation(t)));
      }
      const started = await Promise.all(starts);
      await Promise.all(work);
      for (const { session } of started) everBegun.add(session.id);
      begun = started;
      await expectIndexesAgree(environment.cloud.redis, t);
    }
    const open = Object.keys(await environment.cloud.redis.hgetall(INDEX_KEY_PREFIX + userId));
    const ended = (await pendingLogouts(under)).map(({ sessionId }) => sessionId);
    // Each session is either open or has exactly one log-out.
    expect([...open, ...ended].sort()).toEqual([...everBegun].sort());
  });

  test('a start that arrives a second time, late, changes nothing', async () => {
    const request = sampleStart(sampleSession(under.nowMs()), newTokenHash());
    environment.cloud.faults.set('redis', { kind: 'late', ms: 500, times: 1 });
    const impatient = openCloudStores(environment.cloud, 50).sessions;
    await expect(impatient.start(request)).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(await under.store.start(request)).toMatchObject({ loginEntryId: expect.any(String) as string });
    await environment.cloud.settled();
    environment.cloud.faults.clear();
    expect(await environment.cloud.redis.xlen(OUTBOX_KEY)).toBe(1);
    await expectIndexesAgree(environment.cloud.redis, under.nowMs());
  });

  test('a start that arrives only after it was abandoned does not begin', async () => {
    const [session, tokenHash] = [sampleSession(under.nowMs()), newTokenHash()];
    environment.cloud.faults.set('redis', { kind: 'late', ms: 500, times: 1 });
    const impatient = openCloudStores(environment.cloud, 50).sessions;
    await expect(impatient.start(sampleStart(session, tokenHash))).rejects.toMatchObject(STORE_UNAVAILABLE);
    await under.store.abandon(tokenHash, session, sampleOperation(under.nowMs()));
    await environment.cloud.settled();
    environment.cloud.faults.clear();
    expect(await under.store.check(offer(tokenHash, 'cookie'), under.nowMs())).toMatchObject({
      reason: 'unknown',
    });
    expect(await environment.cloud.redis.keys('*')).toEqual([ENDED_KEY_PREFIX + tokenHash]);
  });
});
