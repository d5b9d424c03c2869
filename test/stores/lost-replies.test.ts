import { expect, test } from 'vitest';
import { OUTBOX_KEY } from '../../src/activity/redis-outbox.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { STRANGER } from '../fakes/samples.ts';
import {
  newTokenHash,
  sampleOperation,
  sampleLogout,
  sampleSession,
  sampleStart,
  offer,
} from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';

// A command is retried once its reply is lost. It must be carried out once all the same, and return the first result.

const environment = useCloud();

const NOW_MS = Date.now();
const HASH = newTokenHash();
const CREDENTIAL = offer(HASH, 'cookie');
const SESSION = sampleSession(NOW_MS, { username: 'ann-marie' });
const ATTEMPT = {
  attemptId: uuidV7(NOW_MS),
  username: 'ann-marie',
  network: '203.0.113.7',
  source: STRANGER,
};
const operation = () => sampleOperation(NOW_MS);

const loseOneReply = (store: 'redis' | 'mysql') =>
  environment.cloud.faults.set(store, { kind: 'lose-answer', times: 1 });

test('start: one session, one login', async () => {
  const { sessions } = openCloudStores(environment.cloud);
  loseOneReply('redis');
  expect(await sessions.start(sampleStart(SESSION, HASH))).toEqual({
    status: 'started',
    loginEntryId: null,
    logouts: [],
  });
  expect(await sessions.check(CREDENTIAL, NOW_MS)).toMatchObject({ status: 'valid', session: SESSION });
  expect(await environment.cloud.redis.xlen(OUTBOX_KEY)).toBe(1);
});

test.each(['end', 'revoke'] as const)('%s: the log-out is returned, and recorded once', async (method) => {
  const { sessions, outbox } = openCloudStores(environment.cloud);
  await sessions.start(sampleStart(SESSION, HASH));
  loseOneReply('redis');
  const result =
    method === 'end'
      ? await sessions.end([HASH], 'cookie', 'logout', operation())
      : await sessions.revoke(CREDENTIAL, 'all', operation());
  const logouts = 'logouts' in result ? result.logouts : result;
  expect(logouts).toMatchObject([{ activity: { sessionId: SESSION.id } }]);
  expect((await outbox.readOldest(10)).slice(1)).toEqual(logouts);
});

test('renew: the new token is valid', async () => {
  const { sessions } = openCloudStores(environment.cloud);
  await sessions.start(sampleStart(SESSION, HASH));
  const tokenHash = newTokenHash();
  loseOneReply('redis');
  expect(await sessions.renew(CREDENTIAL, tokenHash, SESSION, operation())).toMatchObject({
    status: 'renewed',
  });
  expect(await sessions.check(offer(tokenHash, 'cookie'), NOW_MS)).toMatchObject({ status: 'valid' });
});

test('refresh and abandon: carried out', async () => {
  const { sessions } = openCloudStores(environment.cloud);
  await sessions.start(sampleStart(SESSION, HASH));
  const seen = { ...SESSION, lastSeenAtMs: NOW_MS + 1000 };
  loseOneReply('redis');
  await sessions.refresh(HASH, seen);
  expect(await sessions.check(CREDENTIAL, NOW_MS)).toMatchObject({ status: 'valid', session: seen });
  loseOneReply('redis');
  await sessions.abandon(HASH, SESSION, sampleOperation(NOW_MS));
  expect(await sessions.check(CREDENTIAL, NOW_MS)).toMatchObject({ reason: 'unknown' });
});

test('reserve: counted once', async () => {
  const { throttle } = openCloudStores(environment.cloud);
  for (let i = 0; i < 10; i += 1) {
    loseOneReply('redis');
    const attempt = { ...ATTEMPT, attemptId: uuidV7(NOW_MS) };
    expect(await throttle.reserve(attempt)).toEqual({ status: 'allowed' });
  }
  expect(await throttle.reserve({ ...ATTEMPT, attemptId: uuidV7(NOW_MS) })).toMatchObject({
    status: 'throttled',
  });
});

test('setAside: set aside once', async () => {
  const { outbox } = openCloudStores(environment.cloud);
  const { entryId } = await outbox.add(sampleLogout(NOW_MS));
  loseOneReply('redis');
  await outbox.setAside(entryId, 'reason', NOW_MS);
  expect(await outbox.status()).toMatchObject({ pending: 0, setAside: 1 });
});

test('writeLogouts: one row', async () => {
  loseOneReply('mysql');
  await openCloudStores(environment.cloud).activityLog.writeLogouts([sampleLogout(NOW_MS)]);
  expect(await environment.cloud.query('SELECT id FROM logout_activity')).toHaveLength(1);
});
