import { offer } from '../../fakes/samples.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyPassword } from '../../../src/auth/password.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { addUser, logoutRows } from '../../support/people.ts';
import { openCloud } from '../../support/cloud.ts';
import { seedSession } from '../../support/seed-session.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

const NEW_PASSWORD = 'fake but long enough';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.stop());

interface EndJson {
  user: { id: string; is_active: boolean };
  revoked: number;
  logouts: { id: string; session_id: string; reason: string }[];
  recorded: boolean;
  complete: boolean;
}

const hashOf = async (username: string): Promise<string> => {
  const [row] = await cloud.query('SELECT password_hash FROM users WHERE username = ?', [username]);
  return String(row?.['password_hash']);
};

describe('user add', () => {
  test('adds a user who can sign in, with the password from standard input', async () => {
    const { user } = await runJson<{ user: Record<string, unknown> }>(
      cloud,
      ['user', 'add', 'new-one', '--email', 'new@example.org'],
      { input: `${NEW_PASSWORD}\n` },
    );
    expect(user).toMatchObject({
      username: 'new-one',
      email: 'new@example.org',
      is_active: true,
      last_login_at: null,
      password_format: 'bcrypt_sha256',
    });
    expect(await verifyPassword(NEW_PASSWORD, await hashOf('new-one'), 10)).toBe(true);
    expect(JSON.stringify(user)).not.toContain('$2b$');

    const again = await runCli(cloud, ['user', 'add', 'new-one'], { input: NEW_PASSWORD });
    expectFailure(again, 1, 'The user new-one already exists.');
  });

  test.each([
    ['too short', 'short', 1, 'at least 8 characters'],
    ['the name', 'somebody-here', 1, "can't be the same as your username"],
    ['common', 'password123', 1, 'too common'],
    ['too long', 'x'.repeat(257), 1, "can't be longer than 256 characters"],
  ])('refuses a password that is %s', async (_, input, exitCode, message) => {
    expectFailure(await runCli(cloud, ['user', 'add', 'somebody-here'], { input }), exitCode, message);
    expect(await cloud.query("SELECT id FROM users WHERE username = 'somebody-here'")).toEqual([]);
  });

  test.each([
    ['a byte order mark', `\ufeff${NEW_PASSWORD}\n`, 'begins with a byte order mark'],
    ['more than one line', `${NEW_PASSWORD}\nand more\n`, 'has more than one line'],
    ['a blank line', `${NEW_PASSWORD}\n\n`, 'has more than one line'],
    ['a control character', `${NEW_PASSWORD}\u0007`, 'has control characters'],
    ['a tab', `${NEW_PASSWORD}\t\n`, 'has control characters'],
  ])('refuses standard input with %s', async (_, input, message) => {
    expectFailure(await runCli(cloud, ['user', 'add', 'somebody-here'], { input }), 2, message);
    expect(await cloud.query("SELECT id FROM users WHERE username = 'somebody-here'")).toEqual([]);
  });

  test('refuses invalid names, and a password as an argument without repeating it', async () => {
    const [empty, spaces, long, argument] = await Promise.all([
      runCli(cloud, ['user', 'add', ''], { input: NEW_PASSWORD }),
      runCli(cloud, ['user', 'add', 'ann '], { input: NEW_PASSWORD }),
      runCli(cloud, ['user', 'add', 'é'.repeat(151)], { input: NEW_PASSWORD }),
      runCli(cloud, ['user', 'add', 'ann', 'hunter2-hunter2'], { input: '' }),
    ]);
    expectFailure(empty, 2, 'the name is empty');
    expectFailure(spaces, 2, 'begins or ends with white space');
    expectFailure(long, 2, 'more than 150 characters');
    expect(argument.exitCode).toBe(2);
    expect(argument.stderr + argument.stdout).not.toContain('hunter2');
  });
});

describe('user passwd', () => {
  test('sets the password and ends all sessions, each with its row', async () => {
    const user = await addUser(cloud);
    const seeded = [await seedSession(cloud, user), await seedSession(cloud, user, { kind: 'bearer' })];
    const other = await seedSession(cloud, await addUser(cloud));

    const answer = await runJson<EndJson>(cloud, ['user', 'passwd', user.username], {
      input: NEW_PASSWORD,
    });
    expect(answer).toMatchObject({ revoked: 2, recorded: true, complete: true });
    expect(answer.logouts.map((each) => each.session_id).sort()).toEqual(
      seeded.map(({ session }) => session.id).sort(),
    );
    expect(await verifyPassword(NEW_PASSWORD, await hashOf(user.username), 10)).toBe(true);

    const rows = await logoutRows(cloud, user);
    expect(rows.map((row) => row['id']).sort()).toEqual(answer.logouts.map((each) => each.id).sort());
    for (const row of rows) {
      expect(row).toMatchObject({ reason: 'password_changed', ip_address: null, country: null });
      expect(row['user_agent']).toMatch(/^hoskie\/[\d.]+$/);
    }
    const { sessions, outbox } = openCloudStores(cloud);
    for (const { tokenHash } of seeded)
      expect(await sessions.check(offer(tokenHash, 'either'), Date.now())).toMatchObject({
        reason: 'ended',
      });
    expect(await sessions.check(offer(other.tokenHash, 'either'), Date.now())).toMatchObject({
      status: 'valid',
    });
    expect(await outbox.status()).toMatchObject({ pending: 0 });
  });

  test('says what is left to do if Redis is out, and a retry completes it', async () => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    cloud.faults.set('redis', { kind: 'refuse' });
    const failed = await runCli(cloud, ['user', 'passwd', user.username], {
      input: NEW_PASSWORD,
    });
    cloud.faults.clear();
    expect(failed.exitCode).toBe(4);
    expect(failed.stderr).toMatch(
      /The password is set, but sessions may still be open: Redis can't be reached/,
    );
    expect(await verifyPassword(NEW_PASSWORD, await hashOf(user.username), 10)).toBe(true);

    const repeated = await runJson<EndJson>(cloud, ['session', 'end-all', '--id', user.id]);
    expect(repeated).toMatchObject({ revoked: 1, complete: true });
  });

  test('changes nothing when MySQL is out', async () => {
    const user = await addUser(cloud);
    const { tokenHash } = await seedSession(cloud, user);
    cloud.faults.set('mysql', { kind: 'refuse' });
    const failed = await runCli(cloud, ['user', 'passwd', user.username], { input: NEW_PASSWORD });
    cloud.faults.clear();
    expectFailure(failed, 4, "MySQL can't be reached.");
    const { sessions } = openCloudStores(cloud);
    expect(await sessions.check(offer(tokenHash, 'either'), Date.now())).toMatchObject({
      status: 'valid',
    });
  });
});

describe('user disable and enable', () => {
  test('locks the user out and ends the sessions; enabling allows sign-ins again', async () => {
    const user = await addUser(cloud);
    const { session } = await seedSession(cloud, user);
    const disabled = await runJson<EndJson>(cloud, ['user', 'disable', user.username]);
    expect(disabled).toMatchObject({ user: { id: user.id, is_active: false }, revoked: 1 });
    expect(await logoutRows(cloud, user)).toMatchObject([{ reason: 'admin', session_id: session.id }]);

    const again = await runCli(cloud, ['user', 'disable', user.username]);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).toMatch(/was already disabled.\nNo session was open./);

    const enabled = await runCli(cloud, ['user', 'enable', user.username]);
    expect(enabled).toMatchObject({ exitCode: 0, stdout: `${user.username} can sign in again.\n` });
    expect(await cloud.query('SELECT is_active FROM users WHERE id = ?', [user.id])).toMatchObject([
      { is_active: 1 },
    ]);
  });

  test('delivers the rows later if MySQL goes out in between', async () => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    cloud.faults.set('mysql', {
      kind: 'refuse',
      match: (call) => call.store === 'mysql' && call.sql.startsWith('INSERT INTO logout_activity'),
    });
    const disabled = await runJson<EndJson>(cloud, ['user', 'disable', user.username]);
    cloud.faults.clear();
    expect(disabled).toMatchObject({ revoked: 1, recorded: false, complete: true });
    expect(await logoutRows(cloud, user)).toEqual([]);
    expect(await runJson(cloud, ['outbox', 'deliver'])).toEqual({ delivered: 1, set_aside: 0, pending: 0 });
    expect(await logoutRows(cloud, user)).toMatchObject([{ id: disabled.logouts[0]?.id }]);
  });

  test('an unknown name is not found', async () => {
    const results = await Promise.all(
      ['disable', 'enable', 'passwd'].map((word) => runCli(cloud, ['user', word, 'no-such-user'])),
    );
    for (const result of results) expectFailure(result, 3, 'There is no user no-such-user.');
  });
});

describe('user list', () => {
  test('filters, pages and shows no hash; control characters do not reach the screen', async () => {
    await addUser(cloud, { username: 'list_a' });
    await addUser(cloud, { username: 'list_b', isActive: false });
    await addUser(cloud, { username: 'listxc\u001b[2J\u202e', isActive: false });
    const names = async (...args: string[]): Promise<string[]> => {
      const { users } = await runJson<{ users: { username: string }[] }>(cloud, ['user', 'list', ...args]);
      return users.map((user) => user.username);
    };
    // The underscore stands for itself, capitals do not matter.
    expect(await names('--like', 'LIST_')).toEqual(['list_a', 'list_b']);
    expect(await names('--like', 'list%', '--inactive')).toEqual(['list_b', 'listxc\u001b[2J\u202e']);
    expect(await names('--like', '%@nowhere')).toEqual([]);

    const table = await runCli(cloud, ['user', 'list', '--like', 'list', '--limit', '3']);
    expect(table.stdout).toContain('listxc\\u001b[2J\\u202e');
    expect(table.stdout).not.toContain('\u001b');
    expect(table.stdout).not.toContain('$2b$');
    expect(await runJson(cloud, ['user', 'list', '--limit', '1'])).toMatchObject({ has_more: true });
  });
});
