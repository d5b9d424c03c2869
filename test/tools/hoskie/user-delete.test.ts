import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeActivity } from '../../../src/activity/activity-encoding.ts';
import { ATTEMPTS_KEY, OUTBOX_KEY, SET_ASIDE_KEY } from '../../../src/activity/redis-outbox.ts';
import { SYSTEM_CLOCK } from '../../../src/lib/clock.ts';
import type { UserId } from '../../../src/lib/ids.ts';
import { endExpiredSessions } from '../../../src/session/end-expired-sessions.ts';
import type { CloudProxy, Row } from '../../../tools/local-cloud/proxy.ts';
import { openSessions } from '../../faults/store-state.ts';
import { CapturedLog } from '../../fakes/captured-log.ts';
import { sampleLogin, sampleLogout } from '../../fakes/samples.ts';
import { NO_LIMIT } from '../../fakes/time-share.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { everythingIn } from '../../stores/redis-contents.ts';
import { openCloud } from '../../support/cloud.ts';
import { addUser, logoutRows, type TestUser } from '../../support/people.ts';
import { seedSession } from '../../support/seed-session.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterEach(() => cloud.faults.clear());
afterAll(() => cloud.stop());

const rowOf = (id: string): Promise<Row[]> => cloud.query('SELECT * FROM users WHERE id = ?', [id]);
const loginRows = (id: string): Promise<Row[]> =>
  cloud.query('SELECT * FROM login_activity WHERE user_id = ? ORDER BY id', [id]);
const INSERTED = "INSERT INTO users (username, password_hash) VALUES (?, '!')";

describe('user delete', () => {
  test('ends the sessions and keeps the activity under the id', async () => {
    const user = await addUser(cloud);
    const { session } = await seedSession(cloud, user);
    const deleted = await runJson(cloud, ['user', 'delete', user.username]);
    expect(deleted).toEqual({
      user: { id: user.id, username: user.username },
      revoked: 1,
      logouts: [expect.objectContaining({ session_id: session.id, reason: 'admin' })],
      recorded: true,
      complete: true,
    });
    expect(await rowOf(user.id)).toEqual([]);
    expect(await openSessions(cloud, user.id)).toEqual([]);
    expect(await logoutRows(cloud, user)).toMatchObject([{ username: user.username, reason: 'admin' }]);

    const again = await runCli(cloud, ['user', 'delete', '--id', user.id]);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).toBe(`The user ${user.id} was already deleted.\nNo session was open.\n`);
    expectFailure(await runCli(cloud, ['user', 'delete', user.username]), 3, 'There is no user');
    expectFailure(await runCli(cloud, ['user', 'delete', '--id', '987654321']), 3, 'There is no user');
  });

  test('the id is never given out again', async () => {
    const { id, username } = await addUser(cloud);
    await runJson(cloud, ['user', 'delete', username]);
    await cloud.query(INSERTED, [`next-of-${id}`]);
    const [next] = await cloud.query('SELECT id FROM users WHERE username = ?', [`next-of-${id}`]);
    expect(next?.['id']).not.toBe(id);
    const [reserved] = await cloud.query('SELECT deleted_at FROM deleted_users WHERE id = ?', [id]);
    expect(reserved?.['deleted_at']).toBeTruthy();
  });

  test('a repetition completes what an outage of Redis left', async () => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    cloud.faults.set('redis', { kind: 'refuse' });
    const failed = await runCli(cloud, ['user', 'delete', user.username]);
    cloud.faults.clear();
    expect(failed.exitCode).toBe(4);
    const retry = `hoskie user delete --id ${user.id}`;
    expect(failed.stderr).toContain(`The user is deleted, but sessions may still be open`);
    expect(failed.stderr).toContain(`Retry with: ${retry}\n`);
    expect(await rowOf(user.id)).toEqual([]);
    expect(await runJson(cloud, retry.split(' ').slice(1))).toMatchObject({ revoked: 1, complete: true });
  });
});

const parseObject = (text: string): string | Record<string, unknown> =>
  text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text;

describe('user delete --erase', () => {
  const client = { ipAddress: '203.0.113.5', userAgent: 'Agent', country: 'NZ' };
  const eventsOf = ({ id, username }: TestUser, n: number) => {
    const common = { userId: id as UserId, username, client };
    return {
      logins: Array.from({ length: n }, (_, i) => sampleLogin(Date.now() - i, common)),
      logouts: Array.from({ length: n }, (_, i) => sampleLogout(Date.now() - i, common)),
    };
  };

  test('removes names, addresses and agents in bounded steps, those still in the outbox too', async () => {
    const [user, other] = [await addUser(cloud), await addUser(cloud)];
    const { activityLog, outbox } = openCloudStores(cloud);
    const [events, others] = [eventsOf(user, 1100), eventsOf(other, 1)];
    await activityLog.writeLogins([...events.logins.slice(1), ...others.logins]);
    await activityLog.writeLogouts([...events.logouts, ...others.logouts]);
    await outbox.add(events.logins[0]!);
    await seedSession(cloud, user);
    cloud.calls.length = 0;

    const deleted = await runJson(cloud, ['user', 'delete', user.username, '--erase']);
    expect(deleted).toMatchObject({ revoked: 1, erased: 2201 });
    for (const row of [...(await loginRows(user.id)), ...(await logoutRows(cloud, user))])
      expect(row).toMatchObject({ username: '', ip_address: null, user_agent: null, user_id: user.id });
    expect(await loginRows(user.id)).toHaveLength(1100);
    for (const row of [...(await loginRows(other.id)), ...(await logoutRows(cloud, other))])
      expect(row).toMatchObject({ username: other.username, ip_address: '203.0.113.5', user_agent: 'Agent' });
    const updates = cloud.calls.filter(
      (call) => call.store === 'mysql' && /^UPDATE log(?:in|out)_activity/.test(call.sql),
    );
    for (const call of updates) expect(call.store === 'mysql' && call.sql).toMatch(/LIMIT 500$/);
    expect(updates).toHaveLength(6);
  });

  test('reaches events that are not in MySQL: set aside, or waiting for a release that can read them', async () => {
    const [user, other] = [await addUser(cloud), await addUser(cloud)];
    const { outbox } = openCloudStores(cloud);
    const streams = [OUTBOX_KEY, ATTEMPTS_KEY, SET_ASIDE_KEY];
    const outboxFields = async () => {
      const entries = await Promise.all(streams.map((key) => cloud.redis.xrange(key, '-', '+')));
      return entries.flat().map(([, fields]) => fields.map(parseObject));
    };
    const laterVersion = (of: TestUser): string =>
      encodeActivity(eventsOf(of, 1).logins[0]!).replace('"v":1', '"v":2');
    // More than one step looks at.
    const pipeline = cloud.redis.pipeline();
    for (let i = 0; i < 500; i += 1) pipeline.xadd(SET_ASIDE_KEY, '*', 'event', 'garbage', 'at', '5');
    await pipeline.exec();
    for (const each of [user, other]) {
      const { entryId } = await outbox.add(eventsOf(each, 1).logouts[0]!);
      await outbox.setAside(entryId, 'mysql errno 1406', 1_700_000_000_123);
      for (const key of streams) await cloud.redis.xadd(key, '*', 'event', laterVersion(each));
    }
    const before = await outboxFields();

    expect(await runJson(cloud, ['user', 'delete', user.username, '--erase'])).toMatchObject({ erased: 4 });
    const erased = before.map((fields) =>
      fields.map((field) =>
        typeof field === 'object' && field['userId'] === user.id
          ? { ...field, username: '', ip: '', userAgent: '' }
          : field,
      ),
    );
    const after = await outboxFields();
    expect(after).toHaveLength(before.length);
    expect(after).toEqual(expect.arrayContaining(erased));
    expect(await runJson(cloud, ['user', 'delete', '--id', user.id, '--erase'])).toMatchObject({ erased: 0 });

    await runCli(cloud, ['outbox', 'retry-set-aside']);
    expect(await logoutRows(cloud, user)).toMatchObject([
      { username: '', ip_address: null, user_agent: null, country: 'NZ' },
    ]);
    expect(await logoutRows(cloud, other)).toMatchObject([{ username: other.username }]);
  });

  test('ends what has expired first, so that the cron writes no name later', async () => {
    const [user, other] = [await addUser(cloud), await addUser(cloud)];
    const hoursAgo = (hours: number) => ({ createdAtMs: Date.now() - hours * 3_600_000 });
    const idle = await seedSession(cloud, user, hoursAgo(3));
    // Its user's index has expired as well.
    const absolute = await seedSession(cloud, user, {
      ...hoursAgo(2),
      expiresAtMs: Date.now() - 3_600_000,
    });
    const others = await seedSession(cloud, other, hoursAgo(3));

    await runJson(cloud, ['user', 'delete', user.username, '--erase']);
    expect((await everythingIn(cloud.redis)).includes(user.username)).toBe(false);
    // The cron's next run.
    const cron = { log: new CapturedLog(), clock: SYSTEM_CLOCK };
    await endExpiredSessions(openCloudStores(cloud), cron, NO_LIMIT);
    const rows = await logoutRows(cloud, user);
    expect(rows.map((row) => [row['session_id'], row['reason']]).sort()).toEqual(
      [
        [idle.session.id, 'expired_idle'],
        [absolute.session.id, 'expired_absolute'],
      ].sort(),
    );
    for (const row of rows)
      expect(row).toMatchObject({ username: '', ip_address: null, user_agent: null, user_id: user.id });
    expect(await logoutRows(cloud, other)).toMatchObject([
      { session_id: others.session.id, username: other.username, reason: 'expired_idle' },
    ]);
  });

  test('says how to go on after an outage, and goes on by the id', async () => {
    const user = await addUser(cloud);
    const { activityLog } = openCloudStores(cloud);
    await activityLog.writeLogins(eventsOf(user, 1).logins);
    cloud.faults.set('mysql', {
      kind: 'refuse',
      match: (call) => call.store === 'mysql' && call.sql.startsWith('UPDATE login_activity'),
    });
    const failed = await runCli(cloud, ['user', 'delete', user.username, '--erase']);
    cloud.faults.clear();
    expect(failed.exitCode).toBe(4);
    const retry = `hoskie user delete --id ${user.id} --erase`;
    expect(failed.stderr).toContain(`Activity may be left to erase; go on with: ${retry}\n`);
    expect(await runJson(cloud, retry.split(' ').slice(1))).toMatchObject({ revoked: 0, erased: 1 });
  });
});

describe('user rename', () => {
  test('ends the sessions, which have the old name', async () => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    const newName = `${user.username}-renamed`;
    const renamed = await runJson(cloud, ['user', 'rename', user.username, newName]);
    expect(renamed).toMatchObject({ user: { id: user.id, username: newName }, revoked: 1, complete: true });
    expect(await rowOf(user.id)).toMatchObject([{ username: newName }]);
    expect(await logoutRows(cloud, user)).toMatchObject([{ username: user.username, reason: 'admin' }]);
    const back = await runCli(cloud, ['user', 'rename', '--id', user.id, user.username]);
    expect(back).toMatchObject({ exitCode: 0, stderr: '' });
    expect(back.stdout).toMatch(`${newName} is now ${user.username}.\n`);
  });

  test('refuses a name that is taken or can’t exist, and ends nothing', async () => {
    const [user, other] = [await addUser(cloud), await addUser(cloud)];
    await seedSession(cloud, user);
    const { username } = user;
    expectFailure(await runCli(cloud, ['user', 'rename', username, other.username]), 1, 'already exists');
    expectFailure(await runCli(cloud, ['user', 'rename', username, 'ann ']), 2, 'space');
    expectFailure(await runCli(cloud, ['user', 'rename', 'no-such-user', 'ann']), 3, 'There is no user');
    expect(await openSessions(cloud, user.id)).toHaveLength(1);
  });
});

test.each([['list'], ['end-all']])('session %s of an unknown name leads to --id', async (word) => {
  expectFailure(
    await runCli(cloud, ['session', word, 'gone']),
    3,
    `There is no user gone. If they were deleted or renamed, use their id: hoskie session ${word} --id N.`,
  );
});
