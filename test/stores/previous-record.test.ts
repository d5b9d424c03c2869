import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { endsAtMs } from '../../src/session/rules.ts';
import { StartRefusedError, type Holder } from '../../src/session/session-store.ts';
import type { Session } from '../../src/session/session.ts';
import type { SessionId, TokenHash, UserId } from '../../src/session/token.ts';
import { upstashSessionAdmin } from '../../src/session/upstash-session-admin.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { newTokenHash, sampleEnding, sampleSession, sampleStart, SOMEBODY } from '../fakes/samples.ts';
import { openCloud } from '../support/cloud.ts';
import { putListed } from '../support/previous-record.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { expectIndexesAgree } from './redis-contents.ts';
import {
  begin,
  expectInOutbox,
  pendingLogouts,
  reasonsOf,
  type SessionStoreUnderTest,
} from './session-store/under-test.ts';

// Records that the release before wrote (version 1), as they lay in Redis, under the present adapter; beside
// sessions that it begins itself (version 2). In 2096, so that no machine's clock has to do with it.

const T = 4_000_000_000_000;
const USER = '4001' as UserId;

interface Previous {
  readonly record: string;
  readonly session: Session;
  readonly holder: Holder;
}

const previous = (record: string, hash: string, session: Partial<Session>): Previous => ({
  record,
  session: sampleSession(T, { userId: USER, ...session }),
  holder: { tokenHash: hash.repeat(43) as TokenHash, kind: session.kind ?? 'cookie' },
});

const cookie = previous(
  '[1,"a0000000000000000000000001","4001","ann","c",0,4000000000000,4000000000000,4000086400000,7200,"203.0.113.7","Mozilla/5.0 (X11; Linux x86_64)","DE",""]',
  'C',
  { id: 'a0000000000000000000000001' as SessionId },
);
const bearer = previous(
  '[1,"a0000000000000000000000002","4001","ann","b",0,3999999940000,3999999999000,4000086340000,7200,"2001:db8::7","Hoskie/1.0 (Android 16)","T1","Ann\'s \\"phone\\" 李"]',
  'B',
  {
    id: 'a0000000000000000000000002' as SessionId,
    kind: 'bearer',
    createdAtMs: T - 60_000,
    lastSeenAtMs: T - 1000,
    expiresAtMs: T - 60_000 + 86_400_000,
    client: { ipAddress: '2001:db8::7', userAgent: 'Hoskie/1.0 (Android 16)', country: 'T1' },
    deviceName: 'Ann\'s "phone" 李',
  },
);
const remembered = previous(
  '[1,"a0000000000000000000000003","4001","ann","c",1,3999999880000,3999999880000,4002591880000,1209600,"","","",""]',
  'R',
  {
    id: 'a0000000000000000000000003' as SessionId,
    rememberMe: true,
    createdAtMs: T - 120_000,
    lastSeenAtMs: T - 120_000,
    expiresAtMs: T - 120_000 + 2_592_000_000,
    idleAgeSeconds: 1_209_600,
    client: { ipAddress: null, userAgent: null, country: null },
  },
);
const ALL = [cookie, bearer, remembered];

let cloud: CloudProxy;
let under: SessionStoreUnderTest;
beforeAll(async () => {
  cloud = await openCloud({ schema: false });
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  await cloud.redis.flushdb();
  const { sessions: store, outbox } = openCloudStores(cloud);
  under = { store, outbox, nowMs: () => T, advance: () => Promise.reject(new Error('not here')) };
});

const keyOf = ({ holder }: Pick<Previous, 'holder'>): string => `session:${holder.tokenHash}`;
const raw = (each: Pick<Previous, 'holder'>): Promise<string | null> => cloud.redis.get(keyOf(each));
const versionOf = async (each: Pick<Previous, 'holder'>): Promise<unknown> =>
  (JSON.parse((await raw(each)) ?? '[]') as unknown[])[0];

async function put(...wanted: readonly Previous[]): Promise<void> {
  for (const each of wanted) {
    const { id, userId, expiresAtMs } = each.session;
    await putListed(
      cloud.redis,
      { key: keyOf(each), record: each.record, endsAtMs: endsAtMs(each.session) },
      { userId, sessionId: id, tokenHash: each.holder.tokenHash, expiresAtMs },
    );
  }
}

const isOpen = async ({ holder }: Pick<Previous, 'holder'>): Promise<boolean> =>
  (await under.store.check(holder, T)).status === 'valid';

describe.each([
  ['a cookie', cookie],
  ['a bearer', bearer],
  ['a remembered cookie', remembered],
])('%s of version 1', (_, each) => {
  const { session, holder } = each;
  beforeEach(() => put(...ALL));

  test('is the session that it was, up to its last millisecond and through its own door', async () => {
    const last = endsAtMs(session) - 1;
    expect(await under.store.check(holder, last)).toEqual({ status: 'valid', session });
    expect(await under.store.check(holder, last + 1)).toEqual({ status: 'invalid', reason: 'expired' });
    const kind = holder.kind === 'cookie' ? 'bearer' : 'cookie';
    expect(await under.store.check({ ...holder, kind }, T)).toEqual({ status: 'invalid', reason: 'unknown' });
  });

  test('ends at its absolute end, however late it was seen', async () => {
    const lastSeenAtMs = session.expiresAtMs - 1;
    expect(await under.store.refresh(holder.tokenHash, { ...session, lastSeenAtMs })).toBe(true);
    expect(await under.store.check(holder, session.expiresAtMs - 1)).toMatchObject({ status: 'valid' });
    expect(await under.store.check(holder, session.expiresAtMs)).toMatchObject({ reason: 'expired' });
    expect(await cloud.redis.pexpiretime(keyOf(each))).toBe(session.expiresAtMs);
  });

  test('is refreshed into version 2, once, and by its own id alone', async () => {
    const { store } = under;
    const seen = { ...session, lastSeenAtMs: T + 300_000 };
    expect(await store.refresh(holder.tokenHash, { ...seen, id: 'another' as SessionId })).toBe(false);
    expect(await store.refresh(holder.tokenHash, session)).toBe(false);
    expect(await raw(each)).toBe(each.record);
    expect(await store.refresh(holder.tokenHash, seen)).toBe(true);
    expect(await store.refresh(holder.tokenHash, seen)).toBe(false);
    expect(await versionOf(each)).toBe(2);
    expect(await store.check(holder, T)).toEqual({ status: 'valid', session: seen });
    expect(await cloud.redis.pexpiretime(keyOf(each))).toBe(endsAtMs(seen));
  });

  test('is listed among sessions of version 2, newest first, whoever of them asks', async () => {
    const { store } = under;
    const newest = await begin(under, { userId: USER, createdAtMs: T + 1 });
    const middle = await begin(under, { userId: USER, createdAtMs: T - 90_000, lastSeenAtMs: T });
    const sessions = [newest, cookie, bearer, middle, remembered].map((one) => one.session);
    for (const asking of [each, newest, middle])
      expect(await store.list(asking.holder, T)).toEqual({
        status: 'valid',
        session: asking.session,
        sessions,
      });
    expect(await store.list(holder, endsAtMs(session))).toMatchObject({ reason: 'expired' });
  });

  test('is ended with its row, and leaves a tombstone to its absolute end', async () => {
    const ending = sampleEnding(T + 5);
    const logouts = await under.store.end([holder.tokenHash], holder.kind, 'logout', ending);
    const { id: sessionId, userId, username } = session;
    expect(logouts).toMatchObject([
      { activity: { sessionId, userId, username, reason: 'logout', loggedOutAtMs: T + 5 } },
    ]);
    await expectInOutbox(under, logouts);
    expect(await raw(each)).toBe(`[0,"${sessionId}","4001","logout",${T + 5},"2001:db8::1"]`);
    expect(await cloud.redis.pexpiretime(keyOf(each))).toBe(session.expiresAtMs);
    await expectIndexesAgree(cloud.redis, T);
  });

  test('is revoked from version 2, and revokes that', async () => {
    const { store } = under;
    const next = await begin(under, { userId: USER });
    const revoke = (from: Holder, only: SessionId) => store.revoke(from, { only }, sampleEnding(T));
    expect(await revoke(holder, next.session.id)).toMatchObject({
      logouts: [{ activity: { reason: 'revoked' } }],
    });
    const after = await begin(under, { userId: USER });
    expect(await revoke(after.holder, session.id)).toMatchObject({
      logouts: [{ activity: { reason: 'revoked', sessionId: session.id } }],
    });
    expect(await Promise.all([next, each, after].map(isOpen))).toEqual([false, false, true]);
    await expectIndexesAgree(cloud.redis, T);
  });

  test.each(['others', 'everywhere'] as const)('ends %s, of both versions', async (all) => {
    const next = await begin(under, { userId: USER });
    const result = await under.store.revoke(holder, { all }, sampleEnding(T));
    if (result.status !== 'revoked') throw new Error(`answered ${result.status}`);
    const others = [...ALL, next].filter((one) => one.session.id !== session.id);
    expect(result.logouts).toHaveLength(all === 'others' ? 3 : 4);
    await expectInOutbox(under, result.logouts);
    expect(await Promise.all(others.map(isOpen))).toEqual([false, false, false]);
    expect(await isOpen(each)).toBe(all === 'others');
    await expectIndexesAgree(cloud.redis, T);
  });

  test('keeps its version and its session under a new token, and the others end', async () => {
    const { store } = under;
    const next = await begin(under, { userId: USER });
    const renewed = { holder: { ...holder, tokenHash: newTokenHash() } };
    const result = await store.renew(holder, renewed.holder.tokenHash, sampleEnding(T), SOMEBODY);
    expect(result).toMatchObject({ status: 'renewed', session, logouts: [{}, {}, {}] });
    expect(await raw(renewed)).toBe(each.record);
    expect(await cloud.redis.pexpiretime(keyOf(renewed))).toBe(endsAtMs(session));
    expect(await isOpen(next)).toBe(false);
    expect(await store.check(holder, T)).toMatchObject({ tombstone: { reason: 'renewed' } });
    const seen = { ...session, lastSeenAtMs: T + 1 };
    expect(await store.refresh(renewed.holder.tokenHash, seen)).toBe(true);
    expect(await store.check(renewed.holder, T)).toEqual({ status: 'valid', session: seen });
    await expectIndexesAgree(cloud.redis, T);
  });

  test('refuses a start under its token, and is given up by its own id alone', async () => {
    const { store } = under;
    const start = () => store.start(sampleStart(sampleSession(T), holder.tokenHash));
    await expect(start()).rejects.toThrow(StartRefusedError);
    await store.abandon(holder.tokenHash, sampleSession(T), T);
    expect(await isOpen(each)).toBe(true);
    await store.abandon(holder.tokenHash, session, T);
    expect(await store.check(holder, T)).toEqual({ status: 'invalid', reason: 'unknown' });
    expect(await pendingLogouts(under)).toEqual([]);
    await expectIndexesAgree(cloud.redis, T);
  });

  test('is found by an operator, and its index agrees', async () => {
    const { redis } = openCloudStores(cloud);
    const keys = await cloud.redis.keys('*');
    const admin = upstashSessionAdmin(redis, {
      scan: () => Promise.resolve({ cursor: '0', keys }),
      keyCount: () => Promise.resolve(keys.length),
    });
    const found = { session, tokenHash: holder.tokenHash };
    expect(await admin.listOf(USER, T)).toContainEqual(found);
    expect(await admin.find(session.id, T)).toEqual(found);
    const step = { openSessions: 3, listed: 3, tombstones: 0, runOut: 0, faults: [] };
    expect(await admin.checkIndex(null, T, false)).toMatchObject(step);
    const later = { openSessions: 1, listed: 1, runOut: 2 };
    expect(await admin.checkIndex(null, T + 7_200_000, true)).toMatchObject(later);
  });
});

describe('both versions together', () => {
  test('the oldest by created_at are evicted', async () => {
    await put(...ALL);
    const second = await begin(under, { userId: USER, createdAtMs: T - 90_000, lastSeenAtMs: T + 5 });
    const fourth = await begin(under, { userId: USER, createdAtMs: T - 30_000, lastSeenAtMs: T - 20_000 });
    const { started } = await begin(under, { userId: USER }, { maxSessionsPerUser: 3 });
    expect(reasonsOf(started.logouts)).toEqual(
      [remembered, second, bearer].map(({ session }) => [session.id, 'evicted']).sort(),
    );
    expect(await Promise.all([cookie, fourth].map(isOpen))).toEqual([true, true]);
    await expectIndexesAgree(cloud.redis, T);
  });

  test('a sign-in ends the cookie that came along, not the bearer', async () => {
    await put(...ALL);
    const replaces = [cookie, bearer].map(({ holder }) => holder.tokenHash);
    const { started } = await begin(under, {}, { replaces });
    expect(reasonsOf(started.logouts)).toEqual([[cookie.session.id, 'replaced']]);
  });

  test('a password changed by a session that ended meanwhile ends the others', async () => {
    await put(cookie, bearer);
    const me = await begin(under, { userId: USER });
    await under.store.end([me.tokenHash], 'cookie', 'logout', sampleEnding(T));
    await under.store.renew(me.holder, newTokenHash(), sampleEnding(T), USER);
    expect(await Promise.all([cookie, bearer].map(isOpen))).toEqual([false, false]);
    expect(await pendingLogouts(under)).toHaveLength(3);
  });
});

describe.each([
  ['logout', '[0,"a0000000000000000000000001","4001","logout",3999999999999,"203.0.113.7"]', '203.0.113.7'],
  ['renewed', '[0,"a0000000000000000000000001","4001","renewed",3999999999999,""]', null],
  ['abandoned', '[0,"a0000000000000000000000001","4001","abandoned",3999999999999,""]', null],
])('a tombstone of before: %s', (reason, tombstone, ipAddress) => {
  test('opens, begins, moves and ends nothing', async () => {
    const { store } = under;
    const { session, holder } = cookie;
    await put({ ...cookie, record: tombstone });
    const [sessionId, userId] = [session.id, session.userId];
    const told = { reason: 'ended', tombstone: { sessionId, userId, reason, endedAtMs: T - 1, ipAddress } };
    expect(await store.check(holder, T)).toEqual({
      status: 'invalid',
      ...(reason === 'abandoned' ? { reason: 'unknown' } : told),
    });
    expect(await store.refresh(holder.tokenHash, { ...session, lastSeenAtMs: T + 1 })).toBe(false);
    await expect(store.start(sampleStart(session, holder.tokenHash))).rejects.toThrow(StartRefusedError);
    expect(await store.end([holder.tokenHash], 'either', 'logout', sampleEnding(T))).toEqual([]);
    const me = await begin(under, { userId });
    const everywhere = await store.revoke(me.holder, { all: 'everywhere' }, sampleEnding(T));
    expect(everywhere).toMatchObject({ logouts: [{ activity: { sessionId: me.session.id } }] });
    expect(await raw(cookie)).toBe(tombstone);
  });
});
