import { afterEach, describe, expect, test } from 'vitest';
import { addUser, logoutRows } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { ORIGIN } from '../support/visitor.ts';

const stage = useStage();

async function readyz() {
  const answer = await stage.worker.visitor().get('/readyz');
  return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body) as unknown };
}

describe('/healthz', () => {
  test.each([ORIGIN, 'http://login.example.org'])('on %s: 200 without asking a store', async (origin) => {
    stage.cloud.calls.length = 0;
    const answer = await stage.worker.visitor({ origin }).get('/healthz');
    expect(answer.status).toBe(200);
    expect(stage.cloud.calls).toEqual([]);
  });
});

describe('/readyz', () => {
  test('tells of both stores and of the outbox', async () => {
    await stage.worker.delivered();
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

  test.each(['redis', 'mysql'] as const)('%s out: 503 that says which', async (store) => {
    stage.cloud.faults.set(store, { kind: 'refuse' });
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

describe('an event that MySQL will never take', () => {
  afterEach(async () => {
    await stage.cloud.query('ALTER TABLE logout_activity DROP CONSTRAINT IF EXISTS no_poison');
    await stage.cloud.redis.del('outbox:set-aside');
  });

  test('is set aside and reported, and holds nobody up', async () => {
    await stage.cloud.query(
      "ALTER TABLE logout_activity ADD CONSTRAINT no_poison CHECK (user_agent <> 'poison')",
    );
    const [poisoned, healthy] = [await addUser(stage.cloud), await addUser(stage.cloud)];
    const leave = async (user: typeof poisoned, agent: string): Promise<void> => {
      const visitor = stage.worker.visitor({ headers: { 'User-Agent': agent } });
      await visitor.signIn(user);
      expect((await visitor.logOut()).status).toBe(303);
    };
    // Both in the outbox at the same time: the cron meets them in one batch.
    stage.cloud.faults.set('mysql', {
      kind: 'status',
      status: 500,
      match: (call) => call.store === 'mysql' && call.sql.startsWith('INSERT'),
    });
    await leave(poisoned, 'poison');
    await leave(healthy, 'fine');
    await stage.cloud.settled();
    stage.cloud.faults.clear();
    await stage.worker.scheduled();
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, healthy)).toHaveLength(1);
    expect(await logoutRows(stage.cloud, poisoned)).toHaveLength(0);
    expect(await readyz()).toMatchObject({
      status: 200,
      body: { status: 'ok', outbox: { pending: 0, set_aside: 1, oldest_at: null } },
    });

    // Not for ever: it is not tried again.
    await stage.worker.scheduled();
    expect(await readyz()).toMatchObject({ body: { outbox: { pending: 0, set_aside: 1 } } });
    expect(stage.worker.logs.filter((line) => line.includes('activity_set_aside'))).toHaveLength(1);
  });

  test('a missing table is no such error: it is tried again until the table is back', async () => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    await visitor.signIn(user);
    await stage.worker.delivered();
    await stage.cloud.query('RENAME TABLE logout_activity TO elsewhere');
    try {
      const beforeMs = Date.now();
      expect((await visitor.logOut()).status).toBe(303);
      await stage.worker.scheduled();
      const { body } = (await readyz()) as unknown as {
        body: { outbox: { pending: number; set_aside: number; oldest_at: string } };
      };
      expect(body.outbox).toMatchObject({ pending: 1, set_aside: 0 });
      expect(Date.parse(body.outbox.oldest_at)).toBeGreaterThanOrEqual(beforeMs - 1000);
      expect(body.outbox.oldest_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    } finally {
      await stage.cloud.query('RENAME TABLE elsewhere TO logout_activity');
    }
    await stage.worker.scheduled();
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });
});
