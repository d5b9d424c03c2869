import { afterEach, describe, expect, test } from 'vitest';
import { OUTBOX_KEY, SET_ASIDE_KEY } from '../../src/activity/redis-outbox.ts';
import type { LogoutActivity } from '../../src/activity/events.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

afterEach(async () => {
  await stage.cloud.redis.del(OUTBOX_KEY, SET_ASIDE_KEY);
  await stage.cloud.query('DELETE FROM logout_activity');
  await stage.cloud.query('DELETE FROM login_activity');
});

interface Readiness {
  status: string;
  outbox: { pending: number; set_aside: number; oldest_at: string | null };
}

async function readyz(): Promise<Readiness & { code: number }> {
  const answer = await stage.worker.visitor().get('/readyz');
  return { code: answer.status, ...(JSON.parse(answer.body) as Readiness) };
}

/** As many logouts as if an outage had gathered them, and a login after each tenth. */
async function fill(count: number, change: (index: number) => Partial<LogoutActivity> = () => ({})) {
  const { outbox } = openCloudStores(stage.cloud);
  const beganAtMs = Date.now() - 60_000;
  const logouts = Array.from({ length: count }, (_, i) => sampleLogout(beganAtMs + i, change(i)));
  for (const [i, logout] of logouts.entries()) {
    await outbox.add(logout);
    if (i % 10 === 9) await outbox.add(sampleLogin(beganAtMs + i, { username: 'gathered' }));
  }
  return logouts;
}

async function writtenIds(): Promise<string[]> {
  const rows = await stage.cloud.query('SELECT id FROM logout_activity ORDER BY id');
  return rows.map((row) => String(row['id']));
}

const idsOf = (logouts: readonly LogoutActivity[]): string[] => logouts.map(({ id }) => id as string).sort();
const isWriting = (call: CallContent): boolean => call.store === 'mysql' && call.sql.startsWith('INSERT');

describe('several deliveries at once', () => {
  test('make no second row and lose none', async () => {
    const logouts = await fill(250);
    await Promise.all([1, 2, 3, 4].map(() => stage.worker.scheduled()));
    // Two transactions may have met on the same rows; what one of them dropped is there for the next run.
    await stage.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await stage.cloud.query('SELECT id FROM login_activity')).toHaveLength(25);
    expect(await readyz()).toMatchObject({
      code: 200,
      outbox: { pending: 0, set_aside: 0, oldest_at: null },
    });
  });

  test.each([
    ['MySQL loses every 2nd answer', 'mysql', { kind: 'lose-answer', everyNth: 2 }],
    ['MySQL breaks every 3rd call', 'mysql', { kind: 'refuse', everyNth: 3 }],
    ['Redis loses every 2nd answer', 'redis', { kind: 'lose-answer', everyNth: 2 }],
    ['MySQL writes after the cron gave up', 'mysql', { kind: 'late', ms: 300, match: isWriting }],
  ] as const)('while %s: likewise', async (_, store, fault) => {
    const logouts = await fill(250);
    stage.cloud.faults.set(store, fault);
    await Promise.all([1, 2, 3].map(() => stage.worker.scheduled()));
    stage.cloud.faults.clear();
    await stage.cloud.settled();
    await stage.worker.scheduled();
    await stage.worker.delivered();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await readyz()).toMatchObject({ outbox: { pending: 0, set_aside: 0 } });
  });

  test('a run that breaks in the middle leaves the rest for the next one, oldest first', async () => {
    const logouts = await fill(250);
    let batches = 0;
    stage.cloud.faults.set('mysql', {
      kind: 'refuse',
      match: (call) =>
        isWriting(call) && call.store === 'mysql' && /logout_activity/.test(call.sql) && (batches += 1) > 1,
    });
    await stage.worker.scheduled();
    const first = await writtenIds();
    expect(first.length).toBeGreaterThan(0);
    expect(first).toEqual(idsOf(logouts.slice(0, first.length)));
    const { outbox } = await readyz();
    expect(outbox.pending).toBe(275 - 100);
    stage.cloud.faults.clear();
    await stage.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
  });
});

describe('events that MySQL will never take, among many', () => {
  const POISONED = [0, 7, 8, 99, 100, 101, 180, 249];

  afterEach(() => stage.cloud.query('ALTER TABLE logout_activity DROP CONSTRAINT IF EXISTS no_poison'));

  test('are set aside with their reason, counted in /readyz, and hold nobody up', async () => {
    await stage.cloud.query(
      "ALTER TABLE logout_activity ADD CONSTRAINT no_poison CHECK (username <> 'poison')",
    );
    const logouts = await fill(250, (i) => (POISONED.includes(i) ? { username: 'poison' } : {}));
    const poisoned = POISONED.map((i) => logouts[i]!);
    await Promise.all([1, 2].map(() => stage.worker.scheduled()));
    await stage.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts.filter((each) => !poisoned.includes(each))));
    // Reported, but no outage.
    expect(await readyz()).toMatchObject({
      code: 200,
      status: 'ok',
      outbox: { pending: 0, set_aside: POISONED.length, oldest_at: null },
    });
    const aside = await stage.cloud.redis.xrange(SET_ASIDE_KEY, '-', '+');
    const fieldsOf = aside.map(([, fields]) => Object.fromEntries(pairs(fields)));
    expect(fieldsOf.map(({ reason }) => reason)).toEqual(
      // MySQL's number or MariaDB's for a CHECK that fails.
      POISONED.map(() => expect.stringMatching(/^mysql errno (3819|4025)$/) as string),
    );
    expect(fieldsOf.map(({ event }) => (JSON.parse(event!) as { id: string }).id).sort()).toEqual(
      idsOf(poisoned),
    );

    // Neither tried for ever nor lost: with the cause gone they can be put back as they are.
    stage.cloud.calls.length = 0;
    await stage.worker.scheduled();
    expect(stage.cloud.calls.filter(isWriting)).toEqual([]);
    await stage.cloud.query('ALTER TABLE logout_activity DROP CONSTRAINT no_poison');
    for (const { event } of fieldsOf) await stage.cloud.redis.xadd(OUTBOX_KEY, '*', 'event', event!);
    await stage.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
  });

  test('what cannot be read as an event is set aside as well', async () => {
    await stage.cloud.redis.xadd(OUTBOX_KEY, '*', 'event', '{"type":"of another version"}');
    const logouts = await fill(20);
    await stage.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await readyz()).toMatchObject({ code: 200, outbox: { pending: 0, set_aside: 1 } });
  });
});

const pairs = (fields: readonly string[]): [string, string][] =>
  fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? ''] as [string, string]] : []));

describe('what is wrong with the table and not with the row is tried again', () => {
  const untilDone = async (breakIt: string, mendIt: string): Promise<void> => {
    const logouts = await fill(120);
    await stage.cloud.query(breakIt);
    try {
      for (let run = 0; run < 3; run += 1) await stage.worker.scheduled();
      const { code, outbox } = await readyz();
      expect(code).toBe(200);
      expect(outbox).toMatchObject({ pending: 132, set_aside: 0 });
      expect(Date.parse(outbox.oldest_at!)).toBeGreaterThan(Date.now() - 120_000);
    } finally {
      await stage.cloud.query(mendIt);
    }
    await stage.worker.scheduled();
    await stage.worker.delivered();
    expect(await writtenIds()).toEqual(idsOf(logouts));
    expect(await readyz()).toMatchObject({ outbox: { pending: 0, set_aside: 0 } });
  };

  test('a missing table', () =>
    untilDone('RENAME TABLE logout_activity TO elsewhere', 'RENAME TABLE elsewhere TO logout_activity'));

  test('a missing column', () =>
    untilDone(
      'ALTER TABLE logout_activity CHANGE country land CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NULL',
      'ALTER TABLE logout_activity CHANGE land country CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NULL',
    ));

  test.each([
    [
      'no rights to the table',
      1142,
      '42000',
      "INSERT command denied to user 'x'@'%' for table 'logout_activity'",
    ],
    [
      'a lock that was waited for too long',
      1205,
      'HY000',
      'Lock wait timeout exceeded; try restarting transaction',
    ],
    ['a deadlock', 1213, '40001', 'Deadlock found when trying to get lock; try restarting transaction'],
    ['a full disk', 1114, 'HY000', "The table 'logout_activity' is full"],
    ['a server that is read-only', 1290, 'HY000', 'The MySQL server is running with the --read-only option'],
  ])('%s', async (_, errno, sqlstate, text) => {
    const logouts = await fill(30);
    const message =
      `target: main.-.primary: vttablet: rpc error: code = Unknown desc = ${text} ` +
      `(errno ${errno}) (sqlstate ${sqlstate}) (CallerID: x): Sql: "insert into logout_activity"`;
    stage.cloud.faults.set('mysql', {
      kind: 'status',
      status: 200,
      body: JSON.stringify({ session: null, error: { code: 'UNKNOWN', message } }),
      match: isWriting,
    });
    await stage.worker.scheduled();
    expect(await readyz()).toMatchObject({ code: 200, outbox: { pending: 33, set_aside: 0 } });
    stage.cloud.faults.clear();
    await stage.worker.scheduled();
    expect(await writtenIds()).toEqual(idsOf(logouts));
  });
});
