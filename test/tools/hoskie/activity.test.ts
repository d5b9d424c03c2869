import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleLogin, sampleLogout } from '../../fakes/samples.ts';
import { unknownName } from '../../../src/auth/username.ts';
import type { UserId } from '../../../src/lib/ids.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { openCloud } from '../../support/cloud.ts';
import { addUser } from '../../support/people.ts';
import { expectFailure, runCli, runJson, startCli } from './run-cli.ts';

const HOUR_MS = 3_600_000;

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.stop());

interface RowJson {
  id: string;
  username: string;
  reason?: string;
  outcome?: string;
}

const ids = (rows: readonly { id: string }[]): string[] => rows.map((row) => row.id);

test.each(['logouts', 'logins'])(
  '%s --ip finds an IPv4 address also if it is mapped into IPv6',
  async (what) => {
    const { activityLog } = openCloudStores(cloud);
    const client = { ipAddress: '203.0.113.9', userAgent: null, country: null };
    const [logout, login] = [sampleLogout(Date.now(), { client }), sampleLogin(Date.now(), { client })];
    await activityLog.writeLogouts([logout]);
    await activityLog.writeLogins([login]);
    for (const ip of ['::ffff:203.0.113.9', '::FFFF:cb00:7109']) {
      const found = await runJson<Record<string, RowJson[]>>(cloud, [what, '--ip', ip, '--limit', '1']);
      expect(ids(found[what] ?? []), ip).toEqual([what === 'logouts' ? logout.id : login.id]);
    }
  },
);

describe('logouts', () => {
  test('newest first, by user, address, time and reason', async () => {
    const { activityLog } = openCloudStores(cloud);
    const user = await addUser(cloud, { username: 'history' });
    const common = { userId: user.id as UserId, username: user.username };
    const nowMs = Date.now();
    const client = { ipAddress: '2001:db8::5', userAgent: 'agent\u001b[31m', country: 'NZ' };
    const recent = sampleLogout(nowMs - HOUR_MS, { ...common, reason: 'revoked', client });
    const older = sampleLogout(nowMs - 30 * HOUR_MS, { ...common, reason: 'admin' });
    const another = sampleLogout(nowMs, { username: 'history ' });
    await activityLog.writeLogouts([older, recent, another]);
    const search = async (...args: string[]): Promise<string[]> =>
      ids((await runJson<{ logouts: RowJson[] }>(cloud, ['logouts', ...args])).logouts);

    const all = await Promise.all([
      search('--user', 'history'),
      search('--user-id', user.id, '--since', '24h'),
      // Addresses are compared in canonical form.
      search('--ip', '2001:0DB8:0:0::5'),
      search('--reason', 'admin,evicted'),
      search('--until', new Date(nowMs - 2 * HOUR_MS).toISOString(), '--user', 'history'),
      search('--limit', '1'),
      // No user has this name any more: found in the rows themselves, compared exactly.
      search('--user', 'history '),
    ]);
    expect(all).toEqual([
      [recent.id, older.id],
      [recent.id],
      [recent.id],
      [older.id],
      [older.id],
      [another.id],
      [another.id],
    ]);

    const table = await runCli(cloud, ['logouts', '--user', 'history']);
    expect(table.stdout).toContain('agent\\u001b[31m');
    expect(table.stdout).not.toContain('\u001b');
  });

  test('wrong options are usage errors, an outage is another', async () => {
    const wrong = await Promise.all(
      [
        ['--reason', 'because'],
        ['--since', 'yesterday'],
        ['--ip', '1.2.3'],
        ['--limit', '0'],
        ['--user-id', 'x'],
        ['--user-id', '9223372036854775808'],
        // No such day, month, hour; before 1970.
        ['--since', '2026-02-30'],
        ['--since', '2026-13-01'],
        ['--until', '2026-01-01T25:00:00Z'],
        ['--since', '999999999d'],
        // Nothing can be found in these windows.
        ['--since', '1h', '--until', '2h'],
        ['--since', '2026-01-02', '--until', '2026-01-02'],
        ['--since', new Date(Date.now() + HOUR_MS).toISOString()],
        ['--follow', '--until', '1h'],
        ['--nonsense'],
      ].map((args) => runCli(cloud, ['logouts', ...args])),
    );
    for (const result of wrong) expectFailure(result, 2, /./);
    cloud.faults.set('mysql', { kind: 'refuse' });
    expectFailure(await runCli(cloud, ['logouts']), 4, "MySQL can't be reached.");
    cloud.faults.clear();
  });
});

describe('logins', () => {
  test("also those of names that no user has, under today's key and older ones, if it is set", async () => {
    const { activityLog } = openCloudStores(cloud);
    const [key, olderKey] = ['k'.repeat(32), 'o'.repeat(32)];
    const unknown = { userId: null, outcome: 'bad_credentials', sessionId: null } as const;
    const nowMs = Date.now();
    const failed = [key, olderKey].map((each, i) =>
      sampleLogin(nowMs - i * 1000, { ...unknown, username: unknownName('typed password', each) }),
    );
    const another = sampleLogin(nowMs, { ...unknown, username: unknownName('another', key) });
    await activityLog.writeLogins([...failed, another]);
    const args = ['logins', '--user', 'typed password', '--json'];
    const env = { ...cloud.env, SECRET_KEY: key, SECRET_KEY_FALLBACKS: olderKey };
    const found = await runCli(cloud, args, { env });
    expect(found.stderr).toBe('');
    expect((JSON.parse(found.stdout) as { logins: RowJson[] }).logins).toMatchObject(
      failed.map(({ id }) => ({ id, user_id: null })),
    );
    const without = await runCli(cloud, args);
    expect(JSON.parse(without.stdout)).toEqual({ logins: [] });
    expect(without.stderr).toContain('SECRET_KEY is not set');
    // A key is no reason to refuse what needs none.
    expect((await runCli(cloud, ['logins', '--limit', '1'])).stderr).toBe('');
  });

  test('of a user who was renamed, by the new name', async () => {
    const { activityLog } = openCloudStores(cloud);
    const user = await addUser(cloud, { username: 'old-name' });
    const login = sampleLogin(Date.now(), { userId: user.id as UserId, username: 'old-name' });
    await activityLog.writeLogins([login]);
    await cloud.query("UPDATE users SET username = 'new-name' WHERE id = ?", [user.id]);
    for (const name of ['new-name', 'old-name']) {
      const { logins } = await runJson<{ logins: RowJson[] }>(cloud, ['logins', '--user', name]);
      expect(ids(logins), name).toEqual([login.id]);
    }
  });

  test('also those of users who are gone', async () => {
    const { activityLog } = openCloudStores(cloud);
    const nowMs = Date.now();
    const failed = sampleLogin(nowMs, {
      userId: null,
      username: 'no-such-name',
      outcome: 'bad_credentials',
      sessionId: null,
    });
    const good = sampleLogin(nowMs - 1000, { username: 'no-such-name' });
    await activityLog.writeLogins([failed, good]);
    const { logins } = await runJson<{ logins: RowJson[] }>(cloud, ['logins', '--user', 'no-such-name']);
    expect(logins).toMatchObject([
      { id: failed.id, user_id: null, outcome: 'bad_credentials', session_id: null },
      { id: good.id, outcome: 'success', occurred_at: new Date(nowMs - 1000).toISOString() },
    ]);
    const filtered = await runJson<{ logins: RowJson[] }>(cloud, ['logins', '--outcome', 'throttled']);
    expect(filtered.logins).toEqual([]);
  });

  test('--follow continues, one JSON line each, through an outage, until it is stopped', async () => {
    const { activityLog } = openCloudStores(cloud);
    const before = sampleLogin(Date.now() - 1000, { username: 'followed' });
    await activityLog.writeLogins([before]);
    const child = startCli(cloud, ['logins', '--follow', '--json', '--user', 'followed'], {
      env: { ...cloud.env, SECRET_KEY: 'k'.repeat(32) },
    });
    const lines: string[] = [];
    let stderr = '';
    child.stdout
      .setEncoding('utf8')
      .on('data', (text: string) => lines.push(...text.split('\n').filter((line) => line !== '')));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise((resolve) => child.on('close', resolve));
    await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(1);

    cloud.faults.set('mysql', { kind: 'refuse' });
    await expect.poll(() => stderr, { timeout: 10_000 }).toMatch(/Retrying/);
    cloud.faults.clear();
    // Late: it happened before the one that is shown already.
    const late = sampleLogin(Date.now() - 60_000, { username: 'followed' });
    await activityLog.writeLogins([late, sampleLogin(Date.now(), { username: 'other' })]);
    await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(2);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(ids(lines.map((line) => JSON.parse(line) as RowJson))).toEqual([before.id, late.id]);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('an export', () => {
  const COUNT = 2500;
  const userId = '777000' as UserId;

  beforeAll(async () => {
    const { activityLog } = openCloudStores(cloud);
    const fromMs = Date.now() - HOUR_MS;
    // Many of one millisecond, so that pages end among them.
    const rows = Array.from({ length: COUNT }, (_, i) =>
      sampleLogout(fromMs + Math.floor(i / 700), {
        ...{ userId, username: '=1+1, "ann"\nö', reason: i % 3 === 0 ? 'revoked' : 'logout' },
      }),
    );
    for (let i = 0; i < COUNT; i += 500) await activityLog.writeLogouts(rows.slice(i, i + 500));
  });

  const exported = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await runCli(cloud, ['logouts', '--user-id', userId, ...args]);
    expect([exitCode, stderr]).toEqual([0, '']);
    return stdout;
  };

  test('has every row once, newest first, one JSON line each, whatever the pages', async () => {
    const lines = (await exported('--format', 'jsonl')).trimEnd().split('\n');
    const rows = lines.map(
      (line) => JSON.parse(line) as { id: string; logged_out_at: string; reason: string },
    );
    expect(new Set(ids(rows)).size).toBe(COUNT);
    const sorted = rows.toSorted(
      (a, b) =>
        b.logged_out_at.localeCompare(a.logged_out_at) ||
        b.reason.localeCompare(a.reason) ||
        b.id.localeCompare(a.id),
    );
    expect(ids(rows)).toEqual(ids(sorted));
    expect(rows).toHaveLength(COUNT);
  });

  test('as CSV is read by others as it was written, and runs no formula in a spreadsheet', async () => {
    const rows = parse<Record<string, string>>(await exported('--format', 'csv'), { columns: true });
    expect(rows).toHaveLength(COUNT);
    expect(rows[0]).toMatchObject({ user_id: userId, username: `'=1+1, "ann"\nö` });
    expect(Object.keys(rows[0] ?? {})).toEqual([
      ...['id', 'user_id', 'username', 'reason', 'session_id', 'ip_address', 'user_agent', 'country'],
      ...['logged_out_at', 'recorded_at'],
    ]);
  });

  test('ends at a limit, and with nothing found it has its headings alone', async () => {
    expect((await exported('--format', 'jsonl', '--limit', '1001')).trimEnd().split('\n')).toHaveLength(1001);
    const none = await runCli(cloud, ['logins', '--user-id', userId, '--format', 'csv']);
    expect(none.stdout).toMatch(/^id,user_id,username,outcome,[^\n]*\n$/);
  });

  test.each([['--follow'], ['--json']])('does not go with %s', async (option) => {
    expectFailure(await runCli(cloud, ['logouts', '--format', 'csv', option]), 2, /cannot be used with/);
  });

  test('stops quietly when its reader has enough', async () => {
    const child = startCli(cloud, ['logouts', '--user-id', userId, '--format', 'jsonl']);
    child.stdout.once('data', () => child.stdout.destroy());
    child.stdin.end();
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    const exitCode = await new Promise((resolve) => child.on('close', resolve));
    expect([exitCode, errors]).toEqual([0, '']);
  });
});
