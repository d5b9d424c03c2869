import { describe, expect, test } from 'vitest';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import { addUser, logoutRows } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

const environment = useTestEnvironment();

describe('/healthz', () => {
  test.each([ORIGIN, 'http://login.example.org'])('on %s: 200 without a call to a store', async (origin) => {
    environment.cloud.calls.length = 0;
    const response = await environment.worker.visitor({ origin }).get('/healthz');
    expect(response.status).toBe(200);
    expect(environment.cloud.calls).toEqual([]);
  });
});

/** From a Worker of its own, which has not asked the stores before. */
async function readyz() {
  await using worker = await openWorker({ cloud: environment.cloud });
  const { status, headers, body } = await worker.visitor().get('/readyz');
  return { status, headers, body: JSON.parse(body) as Record<string, unknown> };
}

const OK = { status: 'ok', redis: 'ok', database: 'ok' };
const NOTHING = { pending: 0, set_aside: 0, unrecorded: 0, dropped_attempts: 0, oldest_at: null };

describe('/readyz', () => {
  test('reports both stores and the outbox', async () => {
    const { status, body } = await readyz();
    expect({ status, body }).toEqual({ status: 200, body: { ...OK, outbox: NOTHING } });
  });

  test.each(['redis', 'mysql'] as const)('%s out: 503 that names it', async (store) => {
    environment.cloud.faults.set(store, { kind: 'refuse' });
    const { status, headers, body } = await readyz();
    expect(status).toBe(503);
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(body).toMatchObject({
      status: 'unavailable',
      redis: store === 'redis' ? 'unavailable' : 'ok',
      database: store === 'mysql' ? 'unavailable' : 'ok',
      outbox: store === 'redis' ? null : NOTHING,
    });
  });

  test('both stores hang: 503 within 5 s', async () => {
    for (const store of ['redis', 'mysql'] as const) environment.cloud.faults.set(store, { kind: 'hang' });
    await using worker = await openWorker({ cloud: environment.cloud });
    await worker.visitor().get('/healthz');
    const startedAtMs = Date.now();
    expect((await worker.visitor().get('/readyz')).status).toBe(503);
    expect(Date.now() - startedAtMs).toBeLessThan(5000);
  });

  test('a full Redis, which takes no writes: 503, and what is in the outbox all the same', async () => {
    await environment.cloud.redis.sadd('outbox:unrecorded', 'a-session');
    environment.cloud.faults.set('redis', {
      kind: 'status',
      status: 400,
      body: '{"error":"OOM command not allowed when used memory > \'maxmemory\'."}',
      match: mayWrite,
    });
    const { status, body } = await readyz();
    await environment.cloud.redis.del('outbox:unrecorded');
    expect(status).toBe(503);
    expect(body).toEqual({
      status: 'unavailable',
      redis: 'unavailable',
      database: 'ok',
      outbox: { ...NOTHING, unrecorded: 1 },
    });
  });

  test.each([
    ['users', 'is_active', 'TINYINT(1) NOT NULL DEFAULT 1'],
    ['users', 'last_login_at', 'DATETIME(3) NULL'],
    ['login_activity', 'outcome', 'VARCHAR(32) NOT NULL'],
    ['logout_activity', 'country', 'CHAR(2) NULL'],
  ])('without the column %s.%s: 503', async (table, column, type) => {
    const { cloud } = environment;
    await cloud.query(`ALTER TABLE ${table} CHANGE ${column} elsewhere ${type}`);
    try {
      const { status, body } = await readyz();
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { status: 'unavailable', redis: 'ok', database: 'unavailable' },
      });
    } finally {
      await cloud.query(`ALTER TABLE ${table} CHANGE elsewhere ${column} ${type}`);
    }
    expect((await readyz()).status).toBe(200);
  });

  test('asked by many at once, the stores are asked once, and nobody takes the lock of the whole Redis', async () => {
    await using worker = await openWorker({ cloud: environment.cloud });
    environment.cloud.calls.length = 0;
    const responses = await Promise.all(Array.from({ length: 20 }, () => worker.visitor().get('/readyz')));
    expect(responses.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    const scripts = environment.cloud.calls.flatMap((call) =>
      call.store === 'redis' ? call.commands.map((command) => command?.[1] ?? '') : [],
    );
    expect(environment.cloud.calls).toHaveLength(5);
    expect(scripts).toHaveLength(2);
    for (const script of scripts) expect(script).toMatch(/^#!lua flags=.*allow-key-locking/);
  });

  test('with a READYZ_TOKEN only its bearer sees the details', async () => {
    const READYZ_TOKEN = 'a-token-of-the-monitor';
    await using worker = await openWorker({ cloud: environment.cloud, bindings: { READYZ_TOKEN } });
    const anybody = await worker.visitor().get('/readyz');
    expect({ status: anybody.status, body: JSON.parse(anybody.body) as unknown }).toEqual({
      status: 200,
      body: { status: 'ok' },
    });
    const monitor = await worker.visitor().get('/readyz', { Authorization: `Bearer ${READYZ_TOKEN}` });
    expect(JSON.parse(monitor.body)).toEqual({ ...OK, outbox: NOTHING });
  });
});

/** A full Redis refuses whatever script may write. */
const mayWrite = (call: CallContent): boolean =>
  call.store === 'redis' &&
  call.commands.some((command) => !command?.[1]?.split('\n')[0]?.includes('no-writes'));

test('/readyz counts pending events and says since when, in RFC 3339', async () => {
  const user = await addUser(environment.cloud);
  const { visitor } = await seedVisitor(environment, user);
  environment.cloud.faults.set('mysql', {
    kind: 'refuse',
    match: (call) => call.store === 'mysql' && call.sql.startsWith('INSERT'),
  });
  const beforeMs = Date.now();
  expect((await visitor.logOut()).status).toBe(303);
  const { status, body } = await readyz();
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { status: 'ok', outbox: { pending: 1, set_aside: 0 } },
  });
  const oldestAt = (body as { outbox: { oldest_at: string } }).outbox.oldest_at;
  expect(oldestAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  expect(Date.parse(oldestAt)).toBeGreaterThanOrEqual(beforeMs - 1000);
  await environment.cloud.settled();
  environment.cloud.faults.clear();
  await environment.worker.scheduled();
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
});
