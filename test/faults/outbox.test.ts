import { afterEach, describe, expect, test } from 'vitest';
import { DELIVERY_BATCH_SIZE } from '../../src/activity/delivery.ts';
import { OUTBOX_KEY, SET_ASIDE_KEY } from '../../src/activity/redis-outbox.ts';
import type { LogoutActivity, LogoutReason } from '../../src/activity/events.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

afterEach(async () => {
  await environment.cloud.redis.del(OUTBOX_KEY, SET_ASIDE_KEY);
  await environment.cloud.query('DELETE FROM logout_activity');
  await environment.cloud.query('DELETE FROM login_activity');
});

const outboxStatus = () => openCloudStores(environment.cloud).outbox.status();

/** Adds this many logouts, as an outage leaves them, and a login after each tenth. */
async function fill(count: number, change: (index: number) => Partial<LogoutActivity> = () => ({})) {
  const { outbox } = openCloudStores(environment.cloud);
  const startMs = Date.now() - 60_000;
  const logouts = Array.from({ length: count }, (_, i) => sampleLogout(startMs + i, change(i)));
  for (const [i, logout] of logouts.entries()) {
    await outbox.add(logout);
    if (i % 10 === 9) await outbox.add(sampleLogin(startMs + i, { username: 'pending' }));
  }
  return logouts;
}

async function writtenIds(): Promise<string[]> {
  const rows = await environment.cloud.query('SELECT id FROM logout_activity ORDER BY id');
  return rows.map((row) => String(row['id']));
}

const idsOf = (logouts: readonly LogoutActivity[]): string[] => logouts.map(({ id }) => id as string).sort();
const isWriting = (call: CallContent): boolean => call.store === 'mysql' && call.sql.startsWith('INSERT');

describe('several deliveries at once', () => {
  test('write each row once', async () => {
    const logouts = await fill(250);
    await Promise.all([1, 2, 3, 4].map(() => environment.worker.scheduled()));
    // Two transactions may have collided on the same rows; what one of them left, the next run delivers.
    await environment.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await environment.cloud.query('SELECT id FROM login_activity')).toHaveLength(25);
    expect(await outboxStatus()).toMatchObject({ pending: 0, setAside: 0, oldestAtMs: null });
  });

  test.each([
    ['MySQL loses every 2nd reply', 'mysql', { kind: 'lose-answer', everyNth: 2 }],
    ['MySQL breaks every 3rd call', 'mysql', { kind: 'refuse', everyNth: 3 }],
    ['Redis loses every 2nd reply', 'redis', { kind: 'lose-answer', everyNth: 2 }],
    ['MySQL writes after the cron gave up', 'mysql', { kind: 'late', ms: 300, match: isWriting }],
  ] as const)('write each row once while %s', async (_, store, fault) => {
    const logouts = await fill(250);
    environment.cloud.faults.set(store, fault);
    await Promise.all([1, 2, 3].map(() => environment.worker.scheduled()));
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    await environment.worker.scheduled();
    await environment.worker.delivered();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await outboxStatus()).toMatchObject({ pending: 0, setAside: 0 });
  });

  test('a run that breaks in the middle leaves the rest for the next one, oldest first', async () => {
    const logouts = await fill(DELIVERY_BATCH_SIZE);
    let batches = 0;
    environment.cloud.faults.set('mysql', {
      kind: 'refuse',
      match: (call) =>
        isWriting(call) && call.store === 'mysql' && /logout_activity/.test(call.sql) && (batches += 1) > 1,
    });
    await environment.worker.scheduled();
    const first = await writtenIds();
    expect(first.length).toBeGreaterThan(0);
    expect(first).toEqual(idsOf(logouts.slice(0, first.length)));
    const { pending } = await outboxStatus();
    expect(pending).toBe(DELIVERY_BATCH_SIZE / 10);
    environment.cloud.faults.clear();
    await environment.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
  });
});

describe('events that MySQL always rejects, among many', () => {
  const REJECTED = [0, 7, 8, 99, 100, 101, 180, 249];

  const CONSTRAINT = 'not_rejected';
  const dropConstraint = () =>
    environment.cloud.query(`ALTER TABLE logout_activity DROP CONSTRAINT ${CONSTRAINT}`);
  afterEach(async () => {
    // MySQL has no DROP CONSTRAINT IF EXISTS.
    const left = await environment.cloud.query(
      'SELECT 1 FROM information_schema.table_constraints WHERE table_schema = DATABASE() AND constraint_name = ?',
      [CONSTRAINT],
    );
    if (left.length > 0) await dropConstraint();
  });

  test('are set aside with their reason, counted in /readyz, and delay no others', async () => {
    await environment.cloud.query(
      `ALTER TABLE logout_activity ADD CONSTRAINT ${CONSTRAINT} CHECK (username <> 'rejected')`,
    );
    const logouts = await fill(250, (i) => (REJECTED.includes(i) ? { username: 'rejected' } : {}));
    const rejected = REJECTED.map((i) => logouts[i]!);
    await Promise.all([1, 2].map(() => environment.worker.scheduled()));
    await environment.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts.filter((each) => !rejected.includes(each))));
    // Reported, but not as an outage.
    const { status, body } = await environment.worker.visitor().get('/readyz');
    expect(JSON.parse(body)).toMatchObject({
      status: 'ok',
      outbox: { pending: 0, set_aside: REJECTED.length, oldest_at: null },
    });
    expect(status).toBe(200);
    const aside = await environment.cloud.redis.xrange(SET_ASIDE_KEY, '-', '+');
    const fieldsOf = aside.map(([, fields]) => Object.fromEntries(pairs(fields)));
    expect(fieldsOf.map(({ reason }) => reason)).toEqual(
      // The number of a failed CHECK in MySQL or MariaDB.
      REJECTED.map(() => expect.stringMatching(/^mysql errno (3819|4025)$/) as string),
    );
    expect(fieldsOf.map(({ event }) => (JSON.parse(event!) as { id: string }).id).sort()).toEqual(
      idsOf(rejected),
    );

    // Neither retried forever nor lost: once the cause is gone they can be put back as they are.
    environment.cloud.calls.length = 0;
    await environment.worker.scheduled();
    expect(environment.cloud.calls.filter(isWriting)).toEqual([]);
    await dropConstraint();
    for (const { event } of fieldsOf) await environment.cloud.redis.xadd(OUTBOX_KEY, '*', 'event', event!);
    await environment.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
  });

  test('events of a later version wait, and delay no others', async () => {
    await environment.cloud.redis.xadd(OUTBOX_KEY, '*', 'event', '{"v":2,"type":"logout"}');
    const dayAgoMs = Date.now() - 86_400_000;
    const logouts = await fill(20);
    await environment.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await outboxStatus()).toMatchObject({ pending: 1, setAside: 0 });
    // The same one, a day old.
    await environment.cloud.redis.del(OUTBOX_KEY);
    await environment.cloud.redis.xadd(OUTBOX_KEY, `${dayAgoMs}-1`, 'event', '{"v":2,"type":"logout"}');
    await environment.worker.scheduled();
    expect(await outboxStatus()).toMatchObject({ pending: 0, setAside: 1 });
  });

  test('a reason of a later release is written as it stands', async () => {
    const [logout] = await fill(1, () => ({ reason: 'account_merged' as LogoutReason }));
    await environment.worker.scheduled();
    expect(await environment.cloud.query('SELECT id, reason FROM logout_activity')).toEqual([
      { id: logout!.id, reason: 'account_merged' },
    ]);
  });
});

const pairs = (fields: readonly string[]): [string, string][] =>
  fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? ''] as [string, string]] : []));

describe('errors of the table rather than the row are retried', () => {
  const expectRetried = async (breakIt: string, repairIt: string): Promise<void> => {
    const logouts = await fill(120);
    await environment.cloud.query(breakIt);
    try {
      for (let run = 0; run < 3; run += 1) await environment.worker.scheduled();
      const outbox = await outboxStatus();
      expect(outbox).toMatchObject({ pending: 132, setAside: 0 });
      expect(outbox.oldestAtMs).toBeGreaterThan(Date.now() - 120_000);
    } finally {
      await environment.cloud.query(repairIt);
    }
    await environment.worker.scheduled();
    await environment.worker.delivered();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await outboxStatus()).toMatchObject({ pending: 0, setAside: 0 });
  };

  test('a missing table', () =>
    expectRetried('RENAME TABLE logout_activity TO elsewhere', 'RENAME TABLE elsewhere TO logout_activity'));

  test('a missing column', () =>
    expectRetried(
      'ALTER TABLE logout_activity CHANGE country land CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NULL',
      'ALTER TABLE logout_activity CHANGE land country CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NULL',
    ));

  test.each([
    [
      'no privileges on the table',
      1142,
      '42000',
      "INSERT command denied to user 'x'@'%' for table 'logout_activity'",
    ],
    ['a lock wait time-out', 1205, 'HY000', 'Lock wait timeout exceeded; try restarting transaction'],
    ['a deadlock', 1213, '40001', 'Deadlock found when trying to get lock; try restarting transaction'],
    ['a full disk', 1114, 'HY000', "The table 'logout_activity' is full"],
    ['a read-only server', 1290, 'HY000', 'The MySQL server is running with the --read-only option'],
  ])('%s', async (_, errno, sqlstate, text) => {
    const logouts = await fill(30);
    const message =
      `target: main.-.primary: vttablet: rpc error: code = Unknown desc = ${text} ` +
      `(errno ${errno}) (sqlstate ${sqlstate}) (CallerID: x): Sql: "insert into logout_activity"`;
    environment.cloud.faults.set('mysql', {
      kind: 'status',
      status: 200,
      body: JSON.stringify({ session: null, error: { code: 'UNKNOWN', message } }),
      match: isWriting,
    });
    await environment.worker.scheduled();
    expect(await outboxStatus()).toMatchObject({ pending: 33, setAside: 0 });
    environment.cloud.faults.clear();
    await environment.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
  });
});
