import { expect, test } from 'vitest';
import { RETENTION_BATCH_SIZE } from '../../src/activity/retention.ts';
import { toSqlTime } from '../../src/store/sql-time.ts';
import { sampleLogout } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const DAYS = 30;
const DAY_MS = 86_400_000;
const environment = useTestEnvironment({ ACTIVITY_RETENTION_DAYS: String(DAYS) });

const ROWS_PER_STATEMENT = 5000;

/** Adds rows as they would be after this many days. */
async function addOld(table: 'logout_activity' | 'login_activity', count: number, daysAgo: number) {
  const [columns, values] =
    table === 'logout_activity'
      ? ['user_id, username, session_id, reason, logged_out_at', "1, 'ann', UUID(), 'logout'"]
      : ['username, outcome, occurred_at', "'ann', 'success'"];
  const rows = Array.from({ length: count }, (_, i) => {
    const at = toSqlTime(Date.now() - daysAgo * DAY_MS - i * 1000);
    return `('${crypto.randomUUID()}', ${values}, '${at}')`;
  });
  for (let i = 0; i < count; i += ROWS_PER_STATEMENT) {
    const some = rows.slice(i, i + ROWS_PER_STATEMENT).join(', ');
    await environment.cloud.query(`INSERT INTO ${table} (id, ${columns}) VALUES ${some}`);
  }
}

const countOf = async (table: string): Promise<number> => {
  const [row] = await environment.cloud.query(`SELECT COUNT(*) AS n FROM ${table}`);
  return Number(row?.['n']);
};

const deletes = (): string[] =>
  environment.cloud.calls.flatMap((call) =>
    call.store === 'mysql' && call.sql.startsWith('DELETE') ? [call.sql] : [],
  );

test('old rows are deleted in batches of limited size; recent ones stay', async () => {
  await addOld('logout_activity', 2 * RETENTION_BATCH_SIZE + 500, DAYS + 1);
  await addOld('login_activity', 1200, DAYS + 1);
  await addOld('logout_activity', 5, DAYS - 1);
  await addOld('login_activity', 7, DAYS - 1);
  environment.cloud.calls.length = 0;
  await environment.worker.scheduled();
  expect(await countOf('logout_activity')).toBe(5);
  expect(await countOf('login_activity')).toBe(7);
  expect(deletes()).toHaveLength(6);
  for (const sql of deletes()) expect(sql).toMatch(new RegExp(`LIMIT ${RETENTION_BATCH_SIZE}$`));

  // Then there is nothing left to delete.
  environment.cloud.calls.length = 0;
  await environment.worker.scheduled();
  expect(deletes().length).toBeLessThanOrEqual(2);
  expect(await countOf('logout_activity')).toBe(5);
});

test('after an outage in the middle the next run continues', async () => {
  await addOld('logout_activity', 3500, DAYS + 1);
  environment.cloud.faults.set('mysql', {
    kind: 'lose-answer',
    match: (call) => call.store === 'mysql' && call.sql.startsWith('DELETE FROM login'),
  });
  await environment.worker.scheduled();
  environment.cloud.faults.clear();
  await environment.worker.scheduled();
  expect(await countOf('logout_activity')).toBe(5);
});

test('pending events are delivered first, and kept for their time', async () => {
  const { outbox } = openCloudStores(environment.cloud);
  // Both were pending during an outage of MySQL, and one of them became too old.
  const recent = sampleLogout(Date.now() - (DAYS - 1) * DAY_MS);
  const old = sampleLogout(Date.now() - (DAYS + 1) * DAY_MS);
  await outbox.add(recent);
  await outbox.add(old);
  await environment.worker.scheduled();
  const rows = await environment.cloud.query('SELECT id FROM logout_activity WHERE id IN (?, ?)', [
    recent.id,
    old.id,
  ]);
  expect(rows).toEqual([{ id: recent.id }]);
});
