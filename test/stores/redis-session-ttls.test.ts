import { beforeEach, expect, test } from 'vitest';
import { OUTBOX_KEY } from '../../src/activity/redis-outbox.ts';
import { endsAtMs } from '../../src/session/rules.ts';
import {
  ENDED_KEY_PREFIX,
  INDEX_KEY_PREFIX,
  RECEIPT_KEY_PREFIX,
  SESSION_KEY_PREFIX,
} from '../../src/session/redis-keys.ts';
import { ABANDONED_TOKEN_SECONDS, RECEIPT_SECONDS } from '../../src/session/session-store.ts';
import {
  newTokenHash,
  newUserId,
  sampleOperation,
  sampleSession,
  NO_USER,
  offer,
  UNKNOWN_SESSION_ID,
} from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { begin, type SessionStoreUnderTest } from './session-store/under-test.ts';

// How long Redis keeps what the adapter writes.

const environment = useCloud({ schema: false });
let under: SessionStoreUnderTest;
const TWO_DAYS_MS = 2 * 86_400_000;
const recordKey = (hash: string): string => SESSION_KEY_PREFIX + hash;
const endedKey = (hash: string): string => ENDED_KEY_PREFIX + hash;
beforeEach(async () => {
  const { sessions: store, sessionEnds: ends, outbox } = openCloudStores(environment.cloud);
  const nowMs = Date.now();
  under = { store, ends, outbox, nowMs: () => nowMs, advance: () => Promise.reject(new Error('not here')) };
});

test('a record is kept two days beyond the end of its session, to the millisecond', async () => {
  for (const idleAgeSeconds of [7200, 1_000_000]) {
    const { tokenHash, session } = await begin(under, { idleAgeSeconds });
    expect(await environment.cloud.redis.pexpiretime(recordKey(tokenHash))).toBe(
      endsAtMs(session) + TWO_DAYS_MS,
    );
  }
});

test('a refresh moves the expiry, at most by the absolute end', async () => {
  const { tokenHash, session } = await begin(under, { expiresAtMs: under.nowMs() + 14_000_000 });
  for (const lastSeenAtMs of [session.lastSeenAtMs + 5_000_000, session.lastSeenAtMs + 10_000_000]) {
    await under.store.refresh(tokenHash, { ...session, lastSeenAtMs });
    const end = Math.min(lastSeenAtMs + 7_200_000, session.expiresAtMs);
    expect(await environment.cloud.redis.pexpiretime(recordKey(tokenHash))).toBe(end + TWO_DAYS_MS);
  }
});

test('a renewed record keeps the end of its session', async () => {
  const { credential, session } = await begin(under);
  const hash = newTokenHash();
  await under.store.renew(credential, hash, session, sampleOperation(under.nowMs()));
  expect(await environment.cloud.redis.pexpiretime(recordKey(hash))).toBe(endsAtMs(session) + TWO_DAYS_MS);
  expect(await environment.cloud.redis.pexpiretime(endedKey(credential.tokenHash))).toBe(session.expiresAtMs);
});

test('a tombstone is kept until the absolute end', async () => {
  const { tokenHash, session } = await begin(under);
  await under.store.end([tokenHash], 'cookie', 'logout', sampleOperation(under.nowMs()));
  expect(await environment.cloud.redis.exists(recordKey(tokenHash))).toBe(0);
  expect(await environment.cloud.redis.pexpiretime(endedKey(tokenHash))).toBe(session.expiresAtMs);
});

test('an abandoned token is remembered for a while', async () => {
  const [begun, session, hash] = [await begin(under), sampleSession(under.nowMs()), newTokenHash()];
  await under.store.abandon(hash, session, sampleOperation(under.nowMs()));
  const seconds = await environment.cloud.redis.ttl(endedKey(hash));
  expect(seconds).toBeGreaterThan(ABANDONED_TOKEN_SECONDS - 60);
  expect(seconds).toBeLessThanOrEqual(ABANDONED_TOKEN_SECONDS);
  await under.store.abandon(begun.tokenHash, begun.session, sampleOperation(under.nowMs()));
  expect(await environment.cloud.redis.pexpiretime(endedKey(begun.tokenHash))).toBe(
    begun.session.expiresAtMs,
  );
});

test('a receipt is kept for a short while', async () => {
  const operation = sampleOperation(under.nowMs());
  const { tokenHash } = await begin(under);
  await under.store.end([tokenHash], 'cookie', 'logout', operation);
  const seconds = await environment.cloud.redis.ttl(RECEIPT_KEY_PREFIX + operation.id);
  expect(seconds).toBeGreaterThan(RECEIPT_SECONDS - 60);
  expect(seconds).toBeLessThanOrEqual(RECEIPT_SECONDS);
});

test('where nothing is ended, nothing is written', async () => {
  const { credential, tokenHash } = await begin(under);
  const before = await environment.cloud.redis.keys('*');
  const nowMs = under.nowMs();
  await under.store.end([newTokenHash()], 'cookie', 'logout', sampleOperation(nowMs));
  await under.store.revoke(credential, 'others', sampleOperation(nowMs));
  await under.store.revoke(credential, { only: UNKNOWN_SESSION_ID }, sampleOperation(nowMs));
  await under.store.revoke(offer(newTokenHash(), 'cookie'), 'all', sampleOperation(nowMs));
  await under.store.endOthers(NO_USER, tokenHash, sampleOperation(nowMs));
  const after = await environment.cloud.redis.keys('*');
  // A password change refuses sign-ins under way even if no session was open.
  expect(after.filter((key) => !before.includes(key))).toEqual([`cutoff:${NO_USER.userId}`]);
});

test('an index is kept as long as its longest session could last', async () => {
  const userId = newUserId();
  const t = under.nowMs();
  for (const days of [1, 30, 2]) await begin(under, { userId, expiresAtMs: t + days * 86_400_000 });
  expect(await environment.cloud.redis.pexpiretime(INDEX_KEY_PREFIX + userId)).toBe(t + 30 * 86_400_000);
});

test('everything but the outbox expires', async () => {
  const { tokenHash, credential, session } = await begin(under);
  await begin(under, {}, { replaces: [tokenHash] });
  await under.store.renew(credential, newTokenHash(), session, sampleOperation(under.nowMs()));
  const keys = await environment.cloud.redis.keys('*');
  const ttls = await Promise.all(
    keys.map(async (key) => [key, await environment.cloud.redis.pttl(key)] as const),
  );
  expect(ttls.filter(([, ms]) => ms < 0).map(([key]) => key)).toEqual([OUTBOX_KEY]);
});

test('the index goes with its last session', async () => {
  const { tokenHash, session } = await begin(under);
  await under.store.end([tokenHash], 'cookie', 'logout', sampleOperation(under.nowMs()));
  expect(await environment.cloud.redis.exists(INDEX_KEY_PREFIX + session.userId)).toBe(0);
});

test('a list drops from the index what Redis has forgotten', async () => {
  const userId = newUserId();
  const { credential } = await begin(under, { userId });
  const short = await begin(under, { userId });
  await environment.cloud.redis.del(recordKey(short.tokenHash));
  expect(await environment.cloud.redis.hlen(INDEX_KEY_PREFIX + userId)).toBe(2);
  await under.store.list(credential, under.nowMs());
  expect(await environment.cloud.redis.hlen(INDEX_KEY_PREFIX + userId)).toBe(1);
});
