import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionId, UserId } from '../../src/lib/ids.ts';
import { decodeSession } from '../../src/session/record.ts';
import type { RevokeScope } from '../../src/session/session-store.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { redisSessionAdmin } from '../../tools/hoskie/stores/redis-session-admin.ts';
import { newTokenHash, sampleOperation, sampleSession, sampleStart, offer } from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { begin, pendingLogouts, type SessionStoreUnderTest } from './session-store/under-test.ts';

// A record that this release can't read, under a key that a user's index lists: a session of a later release (left by a
// rollback), or a damaged one. It signs no one in here, and whatever ends sessions ends it.

const T = 4_000_000_000_000; // In 2096, so that no machine's clock matters.
const USER = '4001' as UserId;
const ID = 'f0000000000000000000000001' as SessionId;
const HASH = 'F'.repeat(43) as TokenHash;
const KEY = `session:${HASH}`;
const ENDED_KEY = `ended:${HASH}`;
const INDEX = `user-sessions:${USER}`;
const GONE_AT_MS = T + 7_200_000;
const CREDENTIAL = offer(HASH, 'cookie');

const LATER = `[2,"${ID}","${USER}","Ann","c",{"began":"today"}]`;
/** A record, and the username that its row gets if the caller's is `ann`. */
const UNREADABLE: [string, string, string][] = [
  ['a later version', LATER, 'Ann'],
  ['a later version that keeps no position', `[2,{"id":"${ID}"}]`, 'ann'],
  ['a damaged record', `[1,"${ID}","${USER}","Ann","c",0,"when?"]`, 'ann'],
  ['a time that is no whole number', `[1,"${ID}","${USER}","Ann","c",0,${T}.5,0,86400,7200]`, 'ann'],
  ['garbage', 'garbage', 'ann'],
  ['a number', '7', 'ann'],
  ['an empty text', '', 'ann'],
];

const environment = useCloud({ schema: false });
let under: SessionStoreUnderTest;
beforeEach(async () => {
  const { sessions: store, sessionEnds: ends, outbox } = openCloudStores(environment.cloud);
  under = { store, ends, outbox, nowMs: () => T, advance: () => Promise.reject(new Error('not here')) };
});

async function putUnreadable(record: string): Promise<void> {
  await environment.cloud.redis.set(KEY, record, 'PXAT', GONE_AT_MS);
  await environment.cloud.redis.hset(INDEX, ID, HASH);
  await environment.cloud.redis.pexpireat(INDEX, T + 86_400_000);
}

async function expectUntouched(record: string): Promise<void> {
  expect(await environment.cloud.redis.get(KEY)).toBe(record);
  expect(await environment.cloud.redis.hget(INDEX, ID)).toBe(HASH);
  expect(await pendingLogouts(under)).toEqual([]);
}

/** The tombstone gets the record's expiry, as the session's own end can't be read. */
async function expectEnded(reason: string, endedBy = '2001:db8::1'): Promise<void> {
  expect(await environment.cloud.redis.exists(KEY)).toBe(0);
  expect(await environment.cloud.redis.get(ENDED_KEY)).toBe(
    `[1,"${ID}","${USER}","${reason}",${T},"${endedBy}"]`,
  );
  // As long as the record would have been there, give or take the time between two clocks.
  const leftMs = await environment.cloud.redis.pttl(ENDED_KEY);
  expect(leftMs).toBeGreaterThan(0);
  expect(await environment.cloud.redis.hexists(INDEX, ID)).toBe(0);
}

describe.each(UNREADABLE)('%s', (_, record, username) => {
  beforeEach(() => putUnreadable(record));

  test('is no session, and no method can use it as one', async () => {
    const { store } = under;
    const unknown = { status: 'invalid', reason: 'unknown' };
    expect(decodeSession(record)).toBeNull();
    expect(await store.check(CREDENTIAL, T)).toEqual(unknown);
    expect(await store.list(CREDENTIAL, T)).toEqual(unknown);
    expect(await store.revoke(CREDENTIAL, 'all', sampleOperation(T))).toEqual(unknown);
    const [id, userId] = [ID, USER];
    const seen = sampleSession(T - 1000, { id, userId, lastSeenAtMs: T });
    expect(await store.refresh(HASH, seen)).toBe(false);
    await expect(store.start(sampleStart(sampleSession(T), HASH))).resolves.toEqual({ status: 'superseded' });
    await store.abandon(HASH, sampleSession(T), sampleOperation(T));
    await expectUntouched(record);
  });

  test('is not listed, counted or evicted, and stays in the index', async () => {
    const me = await begin(under, { userId: USER }, { maxSessionsPerUser: 1 });
    expect(await under.store.list(me.credential, T)).toMatchObject({ sessions: [{ id: me.session.id }] });
    await expectUntouched(record);
  });

  test.each<[RevokeScope, string, number]>([
    [{ only: ID }, 'revoked', 1],
    ['others', 'logout_others', 1],
    ['all', 'logout_all', 2],
  ])('ends by revoking %o, with a log-out', async (scope, reason, logouts) => {
    const me = await begin(under, { userId: USER, username: 'ann' });
    const result = await under.store.revoke(me.credential, scope, sampleOperation(T));
    if (result.status !== 'revoked') throw new Error(result.status);
    expect(result.logouts).toHaveLength(logouts);
    expect(result.logouts[0]?.activity).toMatchObject({ sessionId: ID, userId: USER, username, reason });
    expect(await pendingLogouts(under)).toHaveLength(logouts);
    await expectEnded(reason);
  });

  test('ends when the password is changed, even by a session that has ended', async () => {
    const me = await begin(under, { userId: USER, username: 'ann' });
    await under.store.renew(me.credential, newTokenHash(), me.session, sampleOperation(T));
    await expectEnded('password_changed');
    await putUnreadable(record);
    await under.store.renew(me.credential, newTokenHash(), me.session, sampleOperation(T));
    await expectEnded('password_changed');
    await putUnreadable(record);
    const logouts = await under.store.endOthers(me.session, me.tokenHash, sampleOperation(T));
    expect(logouts.map(({ activity }) => activity)).toContainEqual(
      expect.objectContaining({ sessionId: ID, userId: USER, username, reason: 'password_changed' }),
    );
    await expectEnded('password_changed');
  });

  test('is ended by an operator, to whom the index check reports whose it is', async () => {
    const keys = await environment.cloud.redis.keys('*');
    const admin = redisSessionAdmin({
      ...openCloudStores(environment.cloud).redis,
      scan: () => Promise.resolve({ cursor: '0', keys }),
    });
    const me = await begin(under, { userId: USER });
    expect(await admin.listOf(USER, T)).toMatchObject([{ tokenHash: me.tokenHash }]);
    expect(await admin.find(ID, T)).toBeNull();
    const step = await admin.checkIndex(null, T, true);
    expect(step).toMatchObject({ openSessions: 0, listed: 1, expired: 0 });
    expect(new Set(step.faults.map(({ kind }) => kind))).toEqual(new Set(['unreadable']));
    expect(step.faults).toContainEqual({
      kind: 'unreadable',
      userId: USER,
      sessionId: ID,
      isRepaired: false,
    });
    await expectUntouched(record);

    const operation = sampleOperation(T);
    const logouts = await admin.endUnreadable(USER, 'admin', operation);
    expect(logouts).toMatchObject([{ activity: { sessionId: ID, userId: USER, reason: 'admin' } }]);
    expect(await admin.endUnreadable(USER, 'admin', operation)).toEqual(logouts);
    expect(await admin.endUnreadable(USER, 'admin', sampleOperation(T))).toEqual([]);
    await expectEnded('admin');
    expect(await under.store.check(me.credential, T)).toMatchObject({ status: 'valid' });
  });

  test('is dropped from the index without a log-out once it has expired', async () => {
    await environment.cloud.redis.del(KEY);
    const me = await begin(under, { userId: USER });
    const result = await under.store.revoke(me.credential, 'others', sampleOperation(T));
    expect(result).toEqual({ status: 'revoked', logouts: [] });
    expect(await environment.cloud.redis.hexists(INDEX, ID)).toBe(0);
  });
});

describe('a later session, by its token', () => {
  beforeEach(() => putUnreadable(LATER));

  test('ends at sign-out, with a log-out: what is confirmed has happened', async () => {
    const logouts = await under.store.end([HASH], 'cookie', 'logout', sampleOperation(T));
    expect(logouts).toMatchObject([
      { activity: { sessionId: ID, userId: USER, username: 'Ann', reason: 'logout' } },
    ]);
    await expectEnded('logout');
  });

  test('is replaced at sign-in', async () => {
    const { started } = await begin(under, {}, { replaces: [HASH] });
    expect(started.logouts).toMatchObject([{ activity: { sessionId: ID, reason: 'replaced' } }]);
    await expectEnded('replaced', '203.0.113.7');
  });

  test('does not end through the other channel', async () => {
    expect(await under.store.end([HASH], 'bearer', 'logout', sampleOperation(T))).toEqual([]);
    await expectUntouched(LATER);
  });

  test('ends if its start is abandoned', async () => {
    await under.store.abandon(HASH, sampleSession(T, { id: ID, userId: USER }), sampleOperation(T));
    await expectEnded('abandoned');
  });
});

test('an index entry under another id is dropped, and the later session stays open', async () => {
  await putUnreadable(LATER);
  await environment.cloud.redis.hset(INDEX, 'another', HASH);
  const me = await begin(under, { userId: USER });
  await under.store.revoke(me.credential, { only: 'another' as SessionId }, sampleOperation(T));
  expect(await environment.cloud.redis.hexists(INDEX, 'another')).toBe(0);
  await expectUntouched(LATER);
});
