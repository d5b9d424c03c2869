import { expect, test } from 'vitest';
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import { DELIVERY_BATCH_SIZE, deliverPending } from '../../src/activity/delivery.ts';
import { ATTEMPTS_KEY } from '../../src/activity/redis-outbox.ts';
import { CapturedLog } from '../fakes/captured-log.ts';
import { NO_LIMIT } from '../fakes/time-share.ts';
import { STORE_UNAVAILABLE } from '../fakes/outage.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';

const NOW_MS = Date.now();
const ATTEMPTS = 4000;
/** What schema.sql takes at most. */
const LONGEST = { username: '\u{1F600}'.repeat(150), userAgent: '\u{1F600}'.repeat(512) };

const environment = useCloud();

/** Failed attempts as a flood of them leaves them while MySQL is out. */
async function flood(count: number, { username, userAgent } = { username: 'ann', userAgent: 'curl' }) {
  const pipeline = environment.cloud.redis.pipeline();
  for (let i = 0; i < count; i += 1) {
    const client = { ipAddress: '203.0.113.7', userAgent, country: 'DE' };
    const attempt = sampleLogin(NOW_MS, { outcome: 'bad_credentials', sessionId: null, username, client });
    pipeline.xadd(ATTEMPTS_KEY, '*', 'event', encodeActivity(attempt));
  }
  await pipeline.exec();
}

const run = () =>
  deliverPending(
    { stores: openCloudStores(environment.cloud), log: new CapturedLog(), nowMs: NOW_MS },
    NO_LIMIT,
  );
const countOf = async (table: string): Promise<number> =>
  Number((await environment.cloud.query(`SELECT COUNT(*) AS n FROM ${table}`))[0]?.['n']);

test("thousands of failed attempts delay no sign-out's row: it is the first to be written", async () => {
  await flood(ATTEMPTS);
  const { outbox } = openCloudStores(environment.cloud);
  await outbox.add(sampleLogout(NOW_MS));
  environment.cloud.faults.set('mysql', {
    kind: 'refuse',
    match: (call) => call.store === 'mysql' && call.sql.includes('login_activity'),
  });
  await expect(run()).rejects.toMatchObject(STORE_UNAVAILABLE);
  expect(await countOf('logout_activity')).toBe(1);
  environment.cloud.faults.clear();
  environment.cloud.calls.length = 0;
  expect(await run()).toBe(ATTEMPTS + 1);
  expect(await countOf('login_activity')).toBe(ATTEMPTS);
  const inserts = environment.cloud.calls.flatMap((call) =>
    call.store === 'mysql' && call.sql.startsWith('INSERT') ? call.sql.split(' ')[2] : [],
  );
  const batches = Math.ceil((ATTEMPTS + 1) / DELIVERY_BATCH_SIZE);
  expect(inserts).toEqual(['logout_activity', ...Array<string>(batches).fill('login_activity')]);
});

test('a batch of the longest attempts fits into one statement', async () => {
  await flood(DELIVERY_BATCH_SIZE, LONGEST);
  expect(await run()).toBe(DELIVERY_BATCH_SIZE);
  expect(await countOf('login_activity')).toBe(DELIVERY_BATCH_SIZE);
});

test('the successes of a whole batch move the last sign-in of each user', async () => {
  const { outbox } = openCloudStores(environment.cloud);
  for (let i = 1; i <= DELIVERY_BATCH_SIZE; i += 1) {
    const userId = String(i) as never;
    await environment.cloud.query("INSERT INTO users (id, username, password_hash) VALUES (?, ?, '!')", [
      i,
      `user-${i}`,
    ]);
    await outbox.add(sampleLogin(NOW_MS, { userId }));
  }
  expect(await run()).toBe(DELIVERY_BATCH_SIZE);
  const [row] = await environment.cloud.query(
    'SELECT COUNT(*) AS n FROM users WHERE last_login_at IS NOT NULL',
  );
  expect(Number(row?.['n'])).toBe(DELIVERY_BATCH_SIZE);
});
