import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { expectIndexesAgree } from '../stores/redis-contents.ts';
import { openCloud } from '../support/cloud.ts';
import { addUser, logoutRows, type TestUser } from '../support/people.ts';
import { seedLater, seedPrevious } from '../support/previous-record.ts';
import { seedSession } from '../support/seed-session.ts';
import { runCli, runJson } from './run-cli.ts';

// The operator's tool among records of the release before (version 1), of this one, and of one to come.

let cloud: CloudProxy;
let user: TestUser;
beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  await cloud.redis.flushdb();
  user = await addUser(cloud);
});

interface Fault {
  kind: string;
  user_id: string | null;
  session_id: string | null;
  repaired: boolean;
}

test('lists and ends sessions of both versions', async () => {
  const nowMs = Date.now();
  const oldest = await seedPrevious(cloud, user, { createdAtMs: nowMs - 3000, rememberMe: true });
  const middle = await seedSession(cloud, user, { createdAtMs: nowMs - 2000 });
  const newest = await seedPrevious(cloud, user, { createdAtMs: nowMs - 1000, kind: 'bearer' });
  expect(await runJson(cloud, ['session', 'list', user.username])).toMatchObject({
    sessions: [
      { id: newest.id, kind: 'bearer', created_at: new Date(nowMs - 1000).toISOString() },
      { id: middle.session.id },
      {
        id: oldest.id,
        kind: 'cookie',
        last_seen_at: new Date(nowMs - 3000).toISOString(),
        expires_at: new Date(nowMs - 3000 + 2_592_000_000).toISOString(),
        ip_address: '203.0.113.7',
        remember_me: true,
      },
    ],
  });
  expect(await runJson(cloud, ['session', 'end', oldest.id])).toMatchObject({
    user_id: user.id,
    logouts: [{ session_id: oldest.id, reason: 'admin' }],
  });
  expect(await runJson(cloud, ['session', 'end-all', user.username])).toMatchObject({ revoked: 2 });
  const ended = (await logoutRows(cloud, user)).map((row) => row['session_id']);
  expect(ended.sort()).toEqual([oldest.id, middle.session.id, newest.id].sort());
  await expectIndexesAgree(cloud.redis, Date.now());
});

test('compares and repairs the index of both versions', async () => {
  const [good, unlisted, lasting] = [
    await seedPrevious(cloud, user),
    await seedPrevious(cloud, user),
    await seedPrevious(cloud, user),
  ];
  await seedSession(cloud, user);
  const agreed = { open_sessions: 4, listed: 4, run_out: 0, faults: [] };
  expect(await runJson(cloud, ['index', 'check'])).toMatchObject(agreed);

  await cloud.redis.hdel(`user-sessions:${user.id}`, unlisted.id);
  await cloud.redis.persist(`session:${lasting.tokenHash}`);
  const lone = await addUser(cloud);
  const early = await seedPrevious(cloud, lone);
  await cloud.redis.pexpire(`user-sessions:${lone.id}`, 10_000);
  const { faults } = await runJson<{ faults: Fault[] }>(cloud, ['index', 'repair']);
  expect(faults.map(({ kind, session_id: id }) => `${kind} ${id}`).sort()).toEqual(
    [`unlisted ${unlisted.id}`, `no_expiry ${lasting.id}`, `index_expires_early ${early.id}`].sort(),
  );
  expect(await runJson(cloud, ['index', 'check'])).toMatchObject({ ...agreed, open_sessions: 5, listed: 5 });
  const [endOfGood, endOfLasting] = [good, lasting].map(({ record }) => {
    const [, , , , , , , seenMs, , idleSeconds] = JSON.parse(record) as number[];
    return seenMs! + idleSeconds! * 1000;
  });
  expect(await cloud.redis.pexpiretime(`session:${good.tokenHash}`)).toBe(endOfGood);
  expect(await cloud.redis.pexpiretime(`session:${lasting.tokenHash}`)).toBe(endOfLasting);
});

test('a session of a release to come is told, kept in the index, and ended with all', async () => {
  const open = await seedSession(cloud, user);
  const later = await seedLater(cloud, user);
  const damaged = await seedPrevious(cloud, user);
  await cloud.redis.set(`session:${damaged.tokenHash}`, 'not a record', 'EX', 1000);
  const told = [later, damaged].map(({ id }) => ({
    kind: 'unreadable',
    user_id: user.id,
    session_id: id,
    repaired: false,
  }));
  for (const command of ['check', 'repair']) {
    const { faults, ...totals } = await runJson<{ faults: Fault[] }>(cloud, ['index', command], {
      exitCode: 1,
    });
    expect(totals).toMatchObject({ open_sessions: 1, listed: 1, run_out: 0 });
    expect(faults).toEqual(expect.arrayContaining(told));
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['unreadable']));
  }
  const { sessions } = await runJson<{ sessions: unknown[] }>(cloud, ['session', 'list', user.username]);
  expect(sessions).toMatchObject([{ id: open.session.id }]);

  const result = await runCli(cloud, ['session', 'end-all', user.username]);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(result.stdout).toContain('Ended 3 sessions.');
  const rows = await logoutRows(cloud, user);
  expect(rows.map((row) => row['session_id']).sort()).toEqual([open.session.id, later.id, damaged.id].sort());
  expect(rows.find((row) => row['session_id'] === later.id)).toMatchObject({
    username: user.username,
    reason: 'admin',
  });
  const { faults } = await runJson<{ faults: Fault[] }>(cloud, ['index', 'check']);
  expect(faults).toEqual([]);
});
