import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { StoreFault } from '../../src/errors.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { STRANGER } from '../fakes/samples.ts';
import { redisClient, upstashRedis } from '../../src/store/redis-client.ts';
import { planetscaleClient, sqlClient } from '../../src/store/sql-client.ts';
import { StoreTrace } from '../../src/store/store-trace.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { STORE_UNAVAILABLE } from '../fakes/outage.ts';
import {
  newTokenHash,
  newUserId,
  sampleOperation,
  sampleLogin,
  sampleLogout,
  sampleSession,
  sampleStart,
  offer,
} from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { databaseCredentials, openCloudStores } from './open-cloud-stores.ts';

type Stores = ReturnType<typeof openCloudStores>;

const environment = useCloud();

const NOW_MS = Date.now();
const HASH = newTokenHash();
const CREDENTIAL = offer(HASH, 'cookie');
const USER_ID = newUserId();
const SESSION = sampleSession(NOW_MS, { userId: USER_ID, username: 'ann-marie' });
const ATTEMPT = {
  attemptId: uuidV7(NOW_MS),
  username: 'ann-marie',
  network: '203.0.113.7',
  source: STRANGER,
};
const operation = () => sampleOperation(NOW_MS);

/** Every method that calls a store. */
const METHODS: Record<'redis' | 'mysql', Record<string, (stores: Stores) => Promise<unknown>>> = {
  redis: {
    check: ({ sessions }) => sessions.check(CREDENTIAL, NOW_MS),
    refresh: ({ sessions }) => sessions.refresh(HASH, SESSION),
    start: ({ sessions }) => sessions.start(sampleStart(SESSION, HASH)),
    endOthers: ({ sessions }) => sessions.endOthers(SESSION, HASH, operation()),
    abandon: ({ sessions }) => sessions.abandon(HASH, SESSION, sampleOperation(NOW_MS)),
    end: ({ sessions }) => sessions.end([HASH], 'cookie', 'logout', operation()),
    revoke: ({ sessions }) => sessions.revoke(CREDENTIAL, 'all', operation()),
    list: ({ sessions }) => sessions.list(CREDENTIAL, NOW_MS),
    renew: ({ sessions }) => sessions.renew(CREDENTIAL, newTokenHash(), SESSION, operation()),
    add: ({ outbox }) => outbox.add(sampleLogout(NOW_MS, { username: 'ann-marie' })),
    readOldest: ({ outbox }) => outbox.readOldest(10),
    remove: ({ outbox }) => outbox.remove(['1-1']),
    setAside: ({ outbox }) => outbox.setAside('1-1', 'ann-marie', NOW_MS),
    status: ({ outbox }) => outbox.status(),
    pingRedis: ({ outbox }) => outbox.ping(),
    reserve: ({ throttle }) => throttle.reserve(ATTEMPT),
    succeed: ({ throttle }) => throttle.succeed(ATTEMPT),
    release: ({ throttle }) => throttle.release(ATTEMPT),
  },
  mysql: {
    findByUsername: ({ users }) => users.findByUsername('ann-marie'),
    findById: ({ users }) => users.findById(USER_ID),
    replacePasswordHash: ({ users }) => users.replacePasswordHash(USER_ID, 'ann-marie', 'new'),
    writeLogouts: ({ activityLog }) =>
      activityLog.writeLogouts([sampleLogout(NOW_MS, { username: 'ann-marie' })]),
    writeLogins: ({ activityLog }) =>
      activityLog.writeLogins([sampleLogin(NOW_MS, { username: 'ann-marie' })]),
    deleteBefore: ({ activityLog }) => activityLog.deleteBefore(NOW_MS, 10),
    listLogouts: ({ activityLog }) => activityLog.listLogouts(USER_ID, 10, null),
    listRecent: ({ activityLog }) => activityLog.listRecent(USER_ID, 10),
    pingUsers: ({ users }) => users.ping(),
    ping: ({ activityLog }) => activityLog.ping(),
  },
};
const NAMES = { redis: 'redis', mysql: 'database' } as const;

/** Calls every method; each must report the outage, in our words only. */
async function expectOutage(store: 'redis' | 'mysql', fault: StoreFault, stores: Stores): Promise<void> {
  const failures = await Promise.all(
    Object.entries(METHODS[store]).map(async ([name, method]): Promise<[string, unknown]> => [
      name,
      await method(stores).then(
        (result) => `returned ${JSON.stringify(result)}`,
        (error: unknown) => error,
      ),
    ]),
  );
  for (const [name, failure] of failures) {
    const reason = { code: 'store_unavailable', store: NAMES[store], fault };
    expect([name, failure]).toMatchObject([name, { name: 'ServiceError', reason }]);
    expectOurWordsOnly(failure);
  }
}

function expectOurWordsOnly(failure: unknown): void {
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = environment.cloud.env;
  const { host, password } = databaseCredentials(environment.cloud);
  const text = inspect(failure, { depth: 10, showHidden: true });
  for (const secret of [UPSTASH_REDIS_REST_URL.slice(7), UPSTASH_REDIS_REST_TOKEN, host, password])
    expect(text).not.toContain(secret);
  for (const value of [HASH, 'ann-marie', SESSION.id]) expect(text).not.toContain(value);
  expect(text).not.toMatch(/session:|user-sessions|XADD|EVAL|SELECT|INSERT|UPDATE users|vttablet|sqlstate/);
}

describe.each(['redis', 'mysql'] as const)('an outage of %s', (store) => {
  test('a closed port', async () => {
    await environment.cloud.close(store);
    try {
      await expectOutage(store, 'unreachable', openCloudStores(environment.cloud));
    } finally {
      await environment.cloud.reopen(store);
    }
    const fine = Object.values(METHODS[store])[0]!;
    await fine(openCloudStores(environment.cloud));
  });

  const html = '<html><body>502 Bad Gateway: EVAL SELECT ann-marie</body></html>';
  const faults: { name: string; fault: Fault; reported: { redis: StoreFault; mysql: StoreFault } }[] = [
    {
      name: 'a broken connection',
      fault: { kind: 'refuse' },
      reported: { redis: 'unreachable', mysql: 'unreachable' },
    },
    {
      name: '500 in JSON',
      fault: {
        kind: 'status',
        status: 500,
        body: '{"error":{"code":"INTERNAL","message":"SELECT ann-marie"}}',
      },
      reported: { redis: 'refused', mysql: 'refused' },
    },
    {
      name: '503 in HTML',
      fault: { kind: 'status', status: 503, body: html, contentType: 'text/html' },
      reported: { redis: 'protocol', mysql: 'unreachable' },
    },
    {
      name: '200 in HTML',
      fault: { kind: 'status', status: 200, body: html, contentType: 'text/html' },
      reported: { redis: 'protocol', mysql: 'protocol' },
    },
    {
      name: 'a truncated reply',
      fault: { kind: 'status', status: 200, body: '{"result":' },
      reported: { redis: 'protocol', mysql: 'protocol' },
    },
    {
      name: '401',
      fault: { kind: 'status', status: 401, body: '{"error":"Unauthorized: EVAL ann-marie"}' },
      reported: { redis: 'refused', mysql: 'refused' },
    },
    {
      name: '429',
      fault: { kind: 'status', status: 429, body: '{"error":"ERR max requests limit exceeded"}' },
      reported: { redis: 'refused', mysql: 'refused' },
    },
  ];
  test.each(faults)('$name', async ({ fault, reported }) => {
    environment.cloud.faults.set(store, fault);
    await expectOutage(store, reported[store], openCloudStores(environment.cloud));
  });

  test('no reply', async () => {
    environment.cloud.faults.set(store, { kind: 'hang' });
    await expectOutage(store, 'timeout', openCloudStores(environment.cloud, 80));
  });

  test('a reply that comes too late', async () => {
    environment.cloud.faults.set(store, { kind: 'delay', ms: 500 });
    await expectOutage(store, 'timeout', openCloudStores(environment.cloud, 80));
  });

  test('a fault that passes is retried', async () => {
    for (const fault of [{ kind: 'refuse' }, { kind: 'status', status: 503, body: html }] as const) {
      await environment.cloud.redis.flushdb();
      for (const method of Object.values(METHODS[store])) {
        environment.cloud.faults.set(store, { ...fault, times: 1 });
        await method(openCloudStores(environment.cloud));
      }
    }
  });
});

describe('an unexpected reply', () => {
  test.each(['{}', '{"result":7}', '{"result":{"a":1}}', '{"result":true}', '[]', 'null', '"text"'])(
    '%s from Redis is not read as "no such session"',
    async (body) => {
      environment.cloud.faults.set('redis', { kind: 'status', status: 200, body });
      const { sessions } = openCloudStores(environment.cloud);
      await expect(sessions.check(CREDENTIAL, NOW_MS)).rejects.toMatchObject(STORE_UNAVAILABLE);
    },
  );

  test.each(['{}', '{"ok":true}', '[]', 'null', '"text"', '7'])(
    '%s from MySQL is not read as "row written"',
    async (body) => {
      environment.cloud.faults.set('mysql', { kind: 'status', status: 200, body });
      const { activityLog } = openCloudStores(environment.cloud);
      const written = activityLog.writeLogouts([sampleLogout(NOW_MS)]).then(() => 'written');
      await expect(written).rejects.toMatchObject(STORE_UNAVAILABLE);
    },
  );
});

test('an error of Redis itself is final: the command is sent once', async () => {
  const { redis } = openCloudStores(environment.cloud);
  await environment.cloud.redis.set('a-text', 'x');
  environment.cloud.calls.length = 0;
  const failure = await redis
    .eval("return redis.call('HGETALL', KEYS[1])", ['a-text'], [])
    .catch((e: unknown) => e);
  expect(failure).toMatchObject({ reason: { code: 'store_unavailable', fault: 'refused' } });
  expect(environment.cloud.calls).toHaveLength(1);
});

describe('wrong credentials', () => {
  test('of Redis', async () => {
    const url = environment.cloud.env.UPSTASH_REDIS_REST_URL;
    const redis = redisClient(upstashRedis({ url, token: 'wrong' }, 5000), 5000, new StoreTrace());
    const failure = await redis.mget(['key']).catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason: { code: 'store_unavailable', fault: 'refused' } });
    expectOurWordsOnly(failure);
  });

  test('of MySQL', async () => {
    const credentials = { ...databaseCredentials(environment.cloud), password: 'wrong' };
    const sql = sqlClient(planetscaleClient(credentials, 5000), 5000, new StoreTrace());
    const failure = await sql.execute('SELECT 1', []).catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason: { code: 'store_unavailable', fault: 'refused' } });
    expectOurWordsOnly(failure);
  });
});
