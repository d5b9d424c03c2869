import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogoutActivity } from '../../src/activity/events.ts';
import { csrfTokens } from '../../src/http/csrf-tokens.ts';
import { EXPIRED_BATCH_SIZE } from '../../src/session/end-expired-sessions.ts';
import { END_EXPIRED } from '../../src/session/redis-session-ends.ts';
import { endsAtMs } from '../../src/session/rules.ts';
import { toSqlTime } from '../../src/store/sql-time.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { sampleOperation } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { addUser, logoutRows, type TestUser } from '../support/people.ts';
import { runsScript } from '../support/scripts.ts';
import { seedSession, type SeededSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { BACKGROUND_DEADLINE_MS, SECRET_KEY } from '../support/worker.ts';

// A session that expired leaves one row, whatever the cron meets.

const IDLE_SECONDS = 600;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const environment = useTestEnvironment();
let user: TestUser;
beforeEach(async () => {
  const { cloud, worker } = environment;
  cloud.setRedisFull(false);
  await cloud.redis.flushdb();
  worker.logs.length = 0;
  user = await addUser(cloud);
});

/** A session that expired so long ago. */
function seedExpired(agoMs: number, kind: 'cookie' | 'bearer' = 'bearer'): Promise<SeededSession> {
  const createdAtMs = Date.now() - agoMs - IDLE_SECONDS * 1000;
  return seedSession(environment.cloud, user, { kind, createdAtMs, idleAgeSeconds: IDLE_SECONDS });
}

const stores = () => openCloudStores(environment.cloud);
const rows = () => logoutRows(environment.cloud, user);
const bearerStatus = async (token: string): Promise<number> => {
  const headers = { Authorization: `Bearer ${token}` };
  return (await environment.worker.visitor().get('/api/v1/sessions/current', headers)).status;
};

/** What the row of such a session says. */
const rowOf = ({ session }: SeededSession) => ({
  session_id: session.id,
  reason: 'expired_idle' satisfies LogoutActivity['reason'],
  ip_address: session.client.ipAddress,
  logged_out_at: toSqlTime(endsAtMs(session)),
});

test('a session has expired before the cron and after it, and its use is not that of one signed out', async () => {
  const { worker } = environment;
  const { token, session } = await seedExpired(1000);
  expect(await bearerStatus(token)).toBe(401);
  await worker.scheduled();
  expect(await rows()).toHaveLength(1);
  expect(await bearerStatus(token)).toBe(401);
  expect(worker.logs.filter((line) => /session_use_after_expire/.test(line))).toEqual([]);
  // One that was signed out is logged.
  const open = await seedSession(environment.cloud, user, { kind: 'bearer' });
  await stores().sessions.end([open.tokenHash], 'bearer', 'logout', sampleOperation(Date.now()));
  await bearerStatus(open.token);
  const used = await vi.waitFor(() => {
    const found = worker.logs.filter((line) => /session_use_after_expire/.test(line));
    expect(found).toHaveLength(1);
    return found;
  }, BACKGROUND_DEADLINE_MS);
  expect(used[0]).not.toContain(session.id);
});

test('a sign-out that comes too late is as if done, and no refresh under way revives the session', async () => {
  const { worker } = environment;
  const seeded = await seedExpired(500, 'cookie');
  const { token, tokenHash, session } = seeded;
  const csrf = csrfTokens([SECRET_KEY]);
  const cookie = csrf.newCookie(tokenHash, session.userId);
  const visitor = worker.visitor();
  for (const each of [`sessionid=${token}`, `csrftoken=${cookie}`])
    await visitor.setCookie(`${each}; Path=/; Secure`);
  const response = await visitor.post('/logout/', { csrfmiddlewaretoken: csrf.formToken(cookie) });
  expect(response).toMatchObject({ status: 303, location: '/' });
  const refreshed = { ...session, lastSeenAtMs: endsAtMs(session) - 1 };
  expect(await stores().sessions.refresh(tokenHash, refreshed)).toBe(false);
  await worker.scheduled();
  expect(await rows()).toMatchObject([rowOf(seeded)]);
  const home = await worker.visitor().get('/home/', { Cookie: `sessionid=${token}` });
  expect(home.status).toBe(302);
});

test('after a day without the cron each session has the row of the moment when it expired', async () => {
  const seeded = [];
  for (const agoMs of [DAY_MS, DAY_MS - 7 * MINUTE_MS, 3_600_000, 90_000, 10])
    seeded.push(await seedExpired(agoMs));
  await environment.worker.scheduled();
  const found = await rows();
  expect(found).toHaveLength(seeded.length);
  expect(found).toEqual(
    expect.arrayContaining(seeded.map((each) => expect.objectContaining(rowOf(each)) as unknown)),
  );
});

test('two crons at once end each session once', async () => {
  const { worker } = environment;
  const count = EXPIRED_BATCH_SIZE + 50;
  await Promise.all(Array.from({ length: count }, (_, i) => seedExpired(1000 * i)));
  await Promise.all([worker.scheduled(), worker.scheduled()]);
  // Two transactions may have collided on the same rows; the next run delivers what one of them left.
  await worker.scheduled();
  expect(await rows()).toHaveLength(count);
  const ended = worker.logs.flatMap((line) => {
    const entry = JSON.parse(line) as { event: string; count: number };
    return entry.event === 'expired_sessions' ? [entry.count] : [];
  });
  expect(ended.reduce((sum, each) => sum + each, 0)).toBe(count);
});

test.each<[string, Fault]>([
  ['each reply of the script is lost', { kind: 'lose-answer' }],
  ['its first reply is lost', { kind: 'lose-answer', times: 1 }],
  ['it runs after the cron gave up', { kind: 'late', ms: 300 }],
])('%s: one row', async (_, fault) => {
  const { cloud, worker } = environment;
  const seeded = await seedExpired(1000);
  cloud.faults.set('redis', { ...fault, match: (call) => runsScript(call, END_EXPIRED) });
  await worker.scheduled();
  cloud.faults.clear();
  await cloud.settled();
  await worker.scheduled();
  expect(await rows()).toMatchObject([rowOf(seeded)]);
  expect(await cloud.redis.xlen('outbox:pending')).toBe(0);
});

describe('Redis is full', () => {
  test('what expired gets its row, also after minutes whose sessions can’t be moved on', async () => {
    const { cloud, worker } = environment;
    const open = await seedExpired(5 * MINUTE_MS);
    const lastSeenAtMs = Date.now();
    // As refreshed in time, before its minute came.
    await cloud.redis.set(
      `session:${open.tokenHash}`,
      JSON.stringify(withLastSeen((await cloud.redis.get(`session:${open.tokenHash}`)) ?? '', lastSeenAtMs)),
    );
    const seeded = await seedExpired(2 * MINUTE_MS);
    cloud.setRedisFull(true);
    await worker.scheduled();
    expect(await rows()).toMatchObject([rowOf(seeded)]);
    expect(await bearerStatus(open.token)).toBe(200);
    // Nothing is forgotten: once there is room, the open session is in a minute to come.
    cloud.setRedisFull(false);
    await worker.scheduled();
    expect(await rows()).toHaveLength(1);
    const minutes = await cloud.redis.keys('session-ends:[0-9]*');
    const members = await Promise.all(minutes.map((key) => cloud.redis.smembers(key)));
    expect(members).toEqual([[open.tokenHash]]);
  });
});

/** The record as text, seen at this time. */
function withLastSeen(record: string, atMs: number): unknown[] {
  const fields = JSON.parse(record) as unknown[];
  return [...fields.slice(0, 7), atMs - Number(fields[6]), ...fields.slice(8)];
}

test('while MySQL is out the session ends, and its row comes later', async () => {
  const { cloud, worker } = environment;
  const seeded = await seedExpired(1000);
  cloud.faults.set('mysql', { kind: 'refuse' });
  await worker.scheduled();
  expect(await cloud.redis.exists(`session:${seeded.tokenHash}`)).toBe(0);
  expect(await bearerStatus(seeded.token)).toBe(401);
  cloud.faults.clear();
  expect(await rows()).toEqual([]);
  await worker.scheduled();
  expect(await rows()).toMatchObject([rowOf(seeded)]);
});

test('a failover brings back an expired session that has its row: it has no second one, and isn’t open', async () => {
  const { cloud, worker } = environment;
  const seeded = await seedExpired(1000);
  const keys = await cloud.redis.keys('*');
  const dumps = await Promise.all(keys.map((key) => cloud.redis.dumpBuffer(key)));
  await worker.scheduled();
  expect(await rows()).toHaveLength(1);
  await cloud.redis.flushdb();
  for (const [i, key] of keys.entries()) await cloud.redis.restore(key, 3_600_000, dumps[i] ?? '');
  expect(await bearerStatus(seeded.token)).toBe(401);
  await worker.scheduled();
  expect(await rows()).toMatchObject([rowOf(seeded)]);
  expect(await cloud.redis.exists(`session:${seeded.tokenHash}`)).toBe(0);
  expect(await cloud.redis.xlen('outbox:pending')).toBe(0);
  expect(worker.logs.filter((line) => line.includes('session_ended_again'))).toEqual([]);
});
