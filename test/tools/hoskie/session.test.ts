import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CapturedLog } from '../../fakes/captured-log.ts';
import { sampleLogout, offer } from '../../fakes/samples.ts';
import { NO_LIMIT } from '../../fakes/time-share.ts';
import { SYSTEM_CLOCK } from '../../../src/lib/clock.ts';
import { endExpiredSessions } from '../../../src/session/end-expired-sessions.ts';
import { encodeSession } from '../../../src/session/record.ts';
import { INDEX_KEY_PREFIX, SESSION_KEY_PREFIX } from '../../../src/session/redis-keys.ts';
import { SET_ASIDE_KEY } from '../../../src/activity/redis-outbox.ts';
import type { SessionId } from '../../../src/lib/ids.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { expectIndexesAgree } from '../../stores/redis-contents.ts';
import { openCloud } from '../../support/cloud.ts';
import { addUser, logoutRows } from '../../support/people.ts';
import { seedSession } from '../../support/seed-session.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.stop());
beforeEach(() => cloud.redis.flushdb());

describe('session list', () => {
  test("shows a user's open sessions and nothing of their tokens", async () => {
    const user = await addUser(cloud);
    const nowMs = Date.now();
    const old = await seedSession(cloud, user, { createdAtMs: nowMs - 60_000 });
    const young = await seedSession(cloud, user, { kind: 'bearer', deviceName: "Ann's phone" });
    const result = await runCli(cloud, ['session', 'list', user.username, '--json']);
    const { sessions } = JSON.parse(result.stdout) as { sessions: unknown[] };
    expect(sessions).toMatchObject([
      { id: young.session.id, kind: 'bearer', device_name: "Ann's phone" },
      { id: old.session.id, kind: 'cookie', created_at: new Date(nowMs - 60_000).toISOString() },
    ]);
    for (const { token, tokenHash } of [old, young]) {
      expect(result.stdout).not.toContain(token);
      expect(result.stdout).not.toContain(tokenHash);
    }
    const table = await runCli(cloud, ['session', 'list', '--id', user.id]);
    expect(table.stdout).toContain(old.session.id);
    expect(table.stdout).not.toContain('\u001b');
  });

  test('an unknown user is not found, an outage is no empty list', async () => {
    const user = await addUser(cloud);
    expectFailure(
      await runCli(cloud, ['session', 'list', 'nobody-here']),
      3,
      'There is no user nobody-here.',
    );
    expectFailure(await runCli(cloud, ['session', 'list', '--id', 'x']), 2, 'is a number');
    cloud.faults.set('redis', { kind: 'status', status: 503 });
    expectFailure(await runCli(cloud, ['session', 'list', user.username]), 4, 'Redis refuses the request');
    cloud.faults.clear();
  });
});

describe('session end', () => {
  test('ends one by its id, found by the record of sign-ins or the index; twice is no error', async () => {
    const user = await addUser(cloud);
    const recorded = await seedSession(cloud, user);
    const unrecorded = await seedSession(cloud, user);
    const { id, userId } = recorded.session;
    await cloud.query(
      "INSERT INTO login_activity (id, user_id, username, outcome, session_id, occurred_at) VALUES (UUID(), ?, 'x', 'success', ?, NOW())",
      [userId, id],
    );
    for (const { session } of [recorded, unrecorded]) {
      expect(await runJson(cloud, ['session', 'end', session.id])).toMatchObject({
        user_id: user.id,
        revoked: 1,
        logouts: [{ session_id: session.id, reason: 'admin' }],
      });
    }
    expect(await logoutRows(cloud, user)).toHaveLength(2);
    await expectIndexesAgree(cloud.redis, Date.now());

    const again = await runCli(cloud, ['session', 'end', id]);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).toMatch(/already ended at .* \(admin\)/);
  });

  test('works without MySQL; an unknown id is not found', async () => {
    const user = await addUser(cloud);
    const { session } = await seedSession(cloud, user);
    cloud.faults.set('mysql', { kind: 'refuse' });
    const result = await runCli(cloud, ['session', 'end', session.id, '--json']);
    cloud.faults.clear();
    expect(result.exitCode).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ revoked: 1, recorded: false });
    for (const id of ['0'.repeat(26), 'no-id'])
      expectFailure(await runCli(cloud, ['session', 'end', id]), 3, `There is no open session ${id}.`);
  });

  test('a lost reply makes no second row', async () => {
    const user = await addUser(cloud);
    const { session } = await seedSession(cloud, user);
    cloud.faults.set('redis', {
      kind: 'lose-answer',
      times: 1,
      match: (call) => call.store === 'redis' && JSON.stringify(call.commands).includes('operation:'),
    });
    expect(await runJson(cloud, ['session', 'end', session.id])).toMatchObject({ revoked: 1 });
    cloud.faults.clear();
    expect(await runJson(cloud, ['outbox', 'deliver'])).toMatchObject({ pending: 0 });
    expect(await logoutRows(cloud, user)).toHaveLength(1);
  });
});

test('session end-all works for a user who was deleted from MySQL', async () => {
  const user = await addUser(cloud);
  await seedSession(cloud, user);
  await seedSession(cloud, user);
  await cloud.query('DELETE FROM users WHERE id = ?', [user.id]);
  expect(await runJson(cloud, ['session', 'end-all', '--id', user.id])).toMatchObject({ revoked: 2 });
  const again = await runCli(cloud, ['session', 'end-all', '--id', user.id]);
  expect(again).toMatchObject({ exitCode: 0, stdout: 'No session was open.\n' });
});

describe('index', () => {
  interface IndexJson {
    open_sessions: number;
    listed: number;
    expired: number;
    faults: { kind: string; user_id: string | null; session_id: string | null; repaired: boolean }[];
  }

  test('finds where sessions and indexes disagree, repairs it, and ends nothing', async () => {
    const user = await addUser(cloud);
    const indexKey = INDEX_KEY_PREFIX + user.id;
    const [good, unlisted, swapped] = [
      await seedSession(cloud, user),
      await seedSession(cloud, user),
      await seedSession(cloud, user),
    ];
    expect(await runJson(cloud, ['index', 'check'])).toMatchObject({
      open_sessions: 3,
      listed: 3,
      faults: [],
    });

    await cloud.redis.hdel(indexKey, unlisted.session.id);
    await cloud.redis.hset(indexKey, 'a'.repeat(26), swapped.tokenHash);
    await cloud.redis.hset(indexKey, 'b'.repeat(26), 'no-such-record');
    await cloud.redis.set(`${SESSION_KEY_PREFIX}damaged`, 'not a record');
    await cloud.redis.persist(SESSION_KEY_PREFIX + good.tokenHash);
    const { sessions } = openCloudStores(cloud);
    const lone = await seedSession(cloud, await addUser(cloud));
    await cloud.redis.pexpire(INDEX_KEY_PREFIX + lone.session.userId, 3_600_000);

    const checked = await runJson<IndexJson>(cloud, ['index', 'check'], { exitCode: 1 });
    const found = (answer: IndexJson): string[] =>
      answer.faults.map(({ kind, session_id: id }) => `${kind} ${id}`).sort();
    const expected = [
      `index_expires_early ${lone.session.id}`,
      `mismatched ${'a'.repeat(26)}`,
      `no_expiry ${good.session.id}`,
      'unreadable null',
      `unlisted ${unlisted.session.id}`,
    ].sort();
    expect(found(checked)).toEqual(expected);
    expect(checked).toMatchObject({ open_sessions: 4, expired: 1 });
    // A check changes nothing.
    expect(found(await runJson<IndexJson>(cloud, ['index', 'check'], { exitCode: 1 }))).toEqual(expected);

    const repaired = await runJson<IndexJson>(cloud, ['index', 'repair'], { exitCode: 1 });
    expect(repaired.faults.filter((fault) => !fault.repaired)).toMatchObject([{ kind: 'unreadable' }]);
    await cloud.redis.del(`${SESSION_KEY_PREFIX}damaged`);
    expect(await runJson(cloud, ['index', 'check'])).toMatchObject({
      open_sessions: 4,
      listed: 4,
      expired: 0,
    });
    await expectIndexesAgree(cloud.redis, Date.now());
    for (const { tokenHash } of [good, unlisted, swapped, lone])
      expect(await sessions.check(offer(tokenHash, 'either'), Date.now())).toMatchObject({
        status: 'valid',
      });
  });

  test('drops an ended session that is still listed', async () => {
    const user = await addUser(cloud);
    const { session, tokenHash } = await seedSession(cloud, user);
    await runJson(cloud, ['session', 'end', session.id]);
    await cloud.redis.hset(INDEX_KEY_PREFIX + user.id, session.id, tokenHash);
    const table = await runCli(cloud, ['index', 'repair']);
    expect(table).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await cloud.redis.exists(INDEX_KEY_PREFIX + user.id)).toBe(0);
    expect(await runJson(cloud, ['index', 'check'])).toMatchObject({
      faults: [],
      open_sessions: 0,
      listed: 0,
    });
  });

  test('a session that expired stays until its end is recorded, whatever else is wrong with it', async () => {
    const user = await addUser(cloud);
    const indexKey = INDEX_KEY_PREFIX + user.id;
    const expired = await seedSession(cloud, user, { createdAtMs: Date.now() - 3 * 3_600_000 });
    const recordKey = SESSION_KEY_PREFIX + expired.tokenHash;
    expect(await runJson(cloud, ['index', 'repair'])).toMatchObject({ expired: 1, faults: [] });

    // So long ago that its record would be gone, had it an expiry.
    const longAgo = await seedSession(cloud, user, { createdAtMs: Date.now() - 23 * 3_600_000 });
    const old = { ...longAgo.session, createdAtMs: Date.now() - 9 * 86_400_000 };
    const oldEnd = { lastSeenAtMs: old.createdAtMs, expiresAtMs: old.createdAtMs + 86_400_000 };
    const oldKey = SESSION_KEY_PREFIX + longAgo.tokenHash;
    await cloud.redis.set(oldKey, encodeSession({ ...old, ...oldEnd }));
    // Listed for another user too.
    const other = INDEX_KEY_PREFIX + (await addUser(cloud)).id;
    await cloud.redis.hset(other, expired.session.id, expired.tokenHash);
    const { faults } = await runJson<IndexJson>(cloud, ['index', 'repair']);
    expect(faults.map(({ kind, repaired }) => [kind, repaired]).sort()).toEqual([
      ['mismatched', true],
      ['no_expiry', true],
    ]);
    expect(await cloud.redis.exists(other)).toBe(0);
    expect(await cloud.redis.hlen(indexKey)).toBe(2);
    expect(await cloud.redis.exists(recordKey, oldKey)).toBe(2);
    expect(await cloud.redis.ttl(oldKey)).toBeGreaterThan(86_400);

    const cron = { log: new CapturedLog(), clock: SYSTEM_CLOCK };
    expect(await endExpiredSessions(openCloudStores(cloud), cron, NO_LIMIT)).toBe(2);
    expect(await logoutRows(cloud, user)).toHaveLength(2);
    expect(await cloud.redis.exists(indexKey, recordKey, oldKey)).toBe(0);
  });

  test('scans more keys than one step has; reports an outage of Redis', async () => {
    const pipeline = cloud.redis.pipeline();
    for (let i = 0; i < 3000; i += 1) pipeline.set(`other:${i}`, 'x', 'EX', 60);
    await pipeline.exec();
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    expect(await runJson(cloud, ['index', 'check'])).toMatchObject({ open_sessions: 1, listed: 1 });
    await cloud.close('redis');
    expectFailure(await runCli(cloud, ['index', 'check']), 4, "Redis can't be reached.");
    await cloud.reopen('redis');
  });
});

describe('outbox', () => {
  test('shows what is pending, delivers it, sets aside what MySQL refuses, and writes that once the reason is fixed', async () => {
    const { outbox } = openCloudStores(cloud);
    const user = await addUser(cloud);
    const good = sampleLogout(Date.now(), { userId: user.id as never });
    // Longer than its column.
    const bad = sampleLogout(Date.now(), {
      userId: user.id as never,
      sessionId: 'x'.repeat(40) as SessionId,
    });
    await outbox.add(good);
    await outbox.add(bad);
    expect(await runJson(cloud, ['outbox', 'status'])).toMatchObject({
      pending: 2,
      set_aside: 0,
      oldest_set_aside: [],
    });

    const delivered = await runCli(cloud, ['outbox', 'deliver', '--json']);
    expect(delivered.exitCode).toBe(1);
    expect(delivered.stderr).toBe(`{"note":"event ${bad.id} was set aside: mysql errno 1406."}\n`);
    expect(JSON.parse(delivered.stdout)).toEqual({ delivered: 1, set_aside: 1, pending: 0 });
    expect(await logoutRows(cloud, user)).toMatchObject([{ id: good.id }]);

    await cloud.redis.xadd(SET_ASIDE_KEY, '*', 'event', 'garbage', 'reason', 'unreadable event', 'at', '1');
    const status = await runJson<{ oldest_set_aside: { id: string }[] }>(cloud, ['outbox', 'status'], {
      exitCode: 1,
    });
    expect(status).toMatchObject({
      set_aside: 2,
      oldest_set_aside: [
        { reason: 'mysql errno 1406', event: { id: bad.id, type: 'logout' } },
        { event: null },
      ],
    });
    const [first, second] = status.oldest_set_aside;
    expect(await runJson(cloud, ['outbox', 'retry-set-aside'], { exitCode: 1 })).toMatchObject({
      written: 0,
      refused: [{ event: null }, { reason: 'mysql errno 1406' }],
    });

    await cloud.query('ALTER TABLE logout_activity MODIFY session_id VARCHAR(64) NOT NULL');
    expect(await runJson(cloud, ['outbox', 'retry-set-aside', '--id', first?.id ?? ''])).toEqual({
      written: 1,
      refused: [],
    });
    expect(await logoutRows(cloud, user)).toHaveLength(2);
    for (const id of [first?.id ?? '', '1-1', 'no-id'])
      expectFailure(
        await runCli(cloud, ['outbox', 'retry-set-aside', '--id', id]),
        3,
        `No event ${id} is set aside.`,
      );
    expect(await cloud.redis.xrange(SET_ASIDE_KEY, '-', '+')).toMatchObject([
      [second?.id, expect.anything()],
    ]);
  });

  test('an outage of MySQL loses nothing', async () => {
    const { outbox } = openCloudStores(cloud);
    await outbox.add(sampleLogout(Date.now()));
    cloud.faults.set('mysql', { kind: 'refuse' });
    expectFailure(await runCli(cloud, ['outbox', 'deliver']), 4, "MySQL can't be reached.");
    cloud.faults.clear();
    expect(await runJson(cloud, ['outbox', 'status'])).toMatchObject({ pending: 1, set_aside: 0 });
  });
});
