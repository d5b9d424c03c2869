import { describe, expect, test } from 'vitest';
import { addUser, logoutRows } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useTestEnvironment();

async function readyz() {
  const response = await environment.worker.visitor().get('/readyz');
  return { status: response.status, headers: response.headers, body: JSON.parse(response.body) as unknown };
}

describe('/healthz', () => {
  test.each([ORIGIN, 'http://login.example.org'])('on %s: 200 without a call to a store', async (origin) => {
    environment.cloud.calls.length = 0;
    const response = await environment.worker.visitor({ origin }).get('/healthz');
    expect(response.status).toBe(200);
    expect(environment.cloud.calls).toEqual([]);
  });
});

describe('/readyz', () => {
  test('reports both stores and the outbox', async () => {
    await environment.worker.delivered();
    expect(await readyz()).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        redis: 'ok',
        database: 'ok',
        outbox: { pending: 0, set_aside: 0, oldest_at: null },
      },
    });
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
    });
  });
});

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
