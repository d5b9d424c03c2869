import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seedSession } from '../../support/seed-session.ts';
import { openWorker } from '../../support/worker.ts';
import { djangoBcrypt, djangoPbkdf2, entry, openImportCloud } from './import-cloud.ts';
import { eventually, logoutRows } from '../../support/people.ts';
import { runCli, startCli } from './run-cli.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const DUMP = join(FIXTURES, 'django-users.json');
/** Invented passwords: the hashes in the fixture are of these. */
const ENGINE = 'analytical-engine-1843';
const WIRE = 'nanoseconds-of-wire-1952';
const GOTO = 'go-to-considered-1968';

const { cloud, users, hashOf, write, imported } = openImportCloud();

describe('a dump of a real site', () => {
  test('is imported with ids, times and hashes unchanged; everyone signs in with the old password', async () => {
    const report = await imported(DUMP);
    expect(report).toMatchObject({ read: 7, added: 7, updated: 0, unchanged: 0, skipped: [] });
    expect(report.without_password).toEqual([
      { username: 'sso', reason: 'none' },
      { username: 'legacy', reason: 'pbkdf2_sha1' },
    ]);
    const rows = await users();
    expect(rows.map((row) => [row['id'], row['username'], row['is_active']])).toEqual([
      ['1', 'ada', 1],
      ['2', 'grace', 1],
      ['3', 'edsger', 1],
      ['4', 'zoë', 1],
      ['5', 'left', 0],
      ['6', 'sso', 1],
      ['7', 'legacy', 1],
    ]);
    expect(rows[0]).toMatchObject({
      email: 'ada@example.org',
      first_name: 'Ada',
      last_name: 'Lovelace',
      last_login_at: '2024-05-01 09:30:00.123',
    });
    expect(rows[2]).toMatchObject({ email: null, last_login_at: null });
    expect(await hashOf('ada')).toMatch(/^pbkdf2_sha256\$260000\$YQUsu9WtlwEgWLHbUFA51m\$/);
    expect(await hashOf('sso')).toBe('!');

    await using worker = await openWorker({ cloud: cloud() });
    for (const [username, password] of [
      ['ada', ENGINE],
      ['grace', WIRE],
      ['edsger', GOTO],
      ['zoë', ENGINE],
    ] as const) {
      await worker.visitor().signIn({ username, password });
      await expect.poll(() => hashOf(username), { timeout: 10_000 }).toMatch(/^bcrypt_sha256\$\$2b\$1[02]\$/);
    }
    for (const [username, password] of [
      ['left', WIRE],
      ['sso', '!'],
      ['legacy', GOTO],
    ] as const) {
      expect((await worker.visitor().trySignIn({ username, password })).status).toBe(401);
    }
    await worker.delivered();

    // A repetition takes nothing back: neither the rewritten hashes (one cost enough already) nor the later times.
    const before = await users();
    expect(await imported(DUMP)).toMatchObject({ added: 0, updated: 0, unchanged: 7, kept_passwords: 3 });
    expect(await users()).toEqual(before);
  });

  test('with natural keys the users get numbers of their own', async () => {
    const path = join(FIXTURES, 'django-users-natural.json');
    await cloud().query("INSERT INTO users (id, username, password_hash) VALUES (3, 'somebody', '!')");
    expect(await imported(path)).toMatchObject({ read: 7, added: 7, skipped: [] });
    expect((await users()).map((row) => row['username'])).toContain('ada');
    expect(await imported(path)).toMatchObject({ added: 0, unchanged: 7 });
    expect(await users()).toHaveLength(8);
  });

  test('a dry run reports the same and does nothing', async () => {
    const result = await runCli(cloud(), ['user', 'import', DUMP, '--dry-run']);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toMatch(/7 users in the file; this is a dry run\.\n/);
    expect(result.stdout).toMatch(/added +7\n/);
    expect(result.stdout).toMatch(/2 users can't sign in until hoskie user passwd sets a password:\n/);
    expect(result.stdout).not.toMatch(/pbkdf2_sha256\$|\$2b\$/);
    expect(await users()).toEqual([]);
  });
});

describe('a second import', () => {
  test('takes from the dump only what is newer there', async () => {
    const base = { password: djangoPbkdf2('first'), email: 'a@example.org', first_name: 'A' };
    const names = ['changed', 'set-here', 'disabled-there', 'disabled-here', 'usable-now', 'same'];
    await imported(
      write(
        'first.json',
        names.map((username, i) =>
          entry(i + 1, { username, ...base, ...(username === 'usable-now' && { password: '!' }) }),
        ),
      ),
    );
    const sessions = await Promise.all(
      [1, 3].map((id) => seedSession(cloud(), { id: String(id), username: 'x', password: '' })),
    );
    await runCli(cloud(), ['user', 'passwd', 'set-here'], { input: 'a fake new password' });
    await runCli(cloud(), ['user', 'disable', 'disabled-here']);
    const setHere = await hashOf('set-here');

    const report = await imported(
      write('second.json', [
        entry(1, { username: 'changed', ...base, password: djangoBcrypt('second'), email: 'b@example.org' }),
        entry(2, { username: 'set-here', ...base, password: djangoBcrypt('second') }),
        entry(3, { username: 'disabled-there', ...base, is_active: false }),
        entry(4, { username: 'disabled-here', ...base, last_login: '2020-01-01T00:00:00Z' }),
        entry(5, { username: 'usable-now', ...base }),
        // A column that is left out takes nothing away.
        entry(6, { username: 'same', password: base.password }),
      ]),
    );
    expect(report).toMatchObject({
      added: 0,
      updated: 4,
      unchanged: 2,
      kept_passwords: 1,
      sessions_ended: 2,
    });
    expect(report.without_password).toEqual([]);
    expect(await hashOf('changed')).toMatch(/^bcrypt\$/);
    expect(await hashOf('set-here')).toBe(setHere);
    expect(await hashOf('usable-now')).toBe(base.password);
    expect((await users()).map((row) => [row['is_active'], row['email']])).toEqual([
      [1, 'b@example.org'],
      [1, 'a@example.org'],
      [0, 'a@example.org'],
      [0, 'a@example.org'],
      [1, 'a@example.org'],
      [1, 'a@example.org'],
    ]);
    const reasons = [];
    for (const { session } of sessions)
      reasons.push(
        (await logoutRows(cloud(), { id: session.userId, username: '', password: '' }))[0]?.['reason'],
      );
    expect(reasons).toEqual(['password_changed', 'admin']);
  });

  test('does not bring back a user who was deleted here', async () => {
    const path = write(
      'deleted.json',
      [1, 2].map((id) => entry(id, { username: `user-${id}` })),
    );
    await imported(path);
    await runCli(cloud(), ['user', 'delete', 'user-2']);
    const report = await imported(path, 1);
    expect(report.skipped).toEqual([
      { place: 'entry 2', username: 'user-2', reason: 'a user with this id was deleted here' },
    ]);
    expect(await users()).toHaveLength(1);
  });

  test('changes the profiles of many users with a few statements, each to its own value', async () => {
    const many = Array.from({ length: 600 }, (_, i) => ({ username: `user-${i}`, first_name: `Name ${i}` }));
    // Ids beyond 2^53 differ only as integers.
    const idOf = (i: number): string => String(2n ** 53n + BigInt(i));
    const write600 = (name: string, more: (i: number) => Record<string, unknown>): string =>
      write(
        name,
        many
          .map((fields, i) => JSON.stringify(entry('ID', { ...fields, ...more(i) })).replace('"ID"', idOf(i)))
          .join('\n'),
      );
    await imported(write600('before.json', () => ({})));
    cloud().calls.length = 0;
    const report = await imported(
      write600('after.json', (i) => ({
        last_login: new Date(Date.UTC(2024, 0, 1) + i * 1000).toISOString(),
        ...(i === 7 && { email: 'seven@example.org' }),
      })),
    );
    expect(report).toMatchObject({ updated: 600, unchanged: 0, skipped: [] });
    const updates = cloud().calls.filter((call) => call.store === 'mysql' && call.sql.startsWith('UPDATE'));
    expect(updates.length).toBeLessThanOrEqual(3);
    const rows = await users();
    expect(rows.map((row) => row['id'])).toEqual(many.map((_, i) => idOf(i)));
    rows.forEach((row, i) => {
      expect(Date.parse(`${String(row['last_login_at'])}Z`)).toBe(Date.UTC(2024, 0, 1) + i * 1000);
      expect(row).toMatchObject({ first_name: `Name ${i}`, email: i === 7 ? 'seven@example.org' : null });
    });
  });

  test('stopped with Ctrl-C says what is done, and goes on when it is repeated', async () => {
    const all = Array.from({ length: 1200 }, (_, i) => entry(i + 1, { username: `user-${i + 1}` }));
    const path = write('stopped.json', all);
    let inserts = 0;
    cloud().faults.set('mysql', {
      kind: 'hang',
      match: (call) => {
        if (call.store === 'mysql' && call.sql.startsWith('INSERT')) inserts += 1;
        return inserts > 0;
      },
    });
    const child = startCli(cloud(), ['user', 'import', path, '--json']);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = new Promise((resolve) => child.on('close', resolve));
    await eventually(() => expect(inserts).toBe(1));
    child.kill('SIGINT');
    await eventually(() => expect(stderr).toContain('Stopping'));
    cloud().faults.clear();
    expect(await closed).toBe(130);
    const report = JSON.parse(stdout) as { added: number };
    expect(report).toMatchObject({ complete: false });
    expect(report.added).toBeLessThan(1200);
    expect(await users()).toHaveLength(report.added);
    expect(stderr).toMatch(/interrupted after \d+ users; run the command again/);
    expect(await imported(path)).toMatchObject({ unchanged: report.added, added: 1200 - report.added });
  });

  test('continues after an outage in the middle', async () => {
    const all = Array.from({ length: 1200 }, (_, i) => entry(i + 1, { username: `user-${i + 1}` }));
    const path = write('many.json', all.map((each) => JSON.stringify(each)).join('\n'));
    let inserts = 0;
    cloud().faults.set('mysql', {
      kind: 'refuse',
      match: (call) => {
        if (call.store === 'mysql' && call.sql.startsWith('INSERT')) inserts += 1;
        return inserts > 1;
      },
    });
    const failed = await runCli(cloud(), ['user', 'import', path, '--json']);
    cloud().faults.clear();
    expect(failed.exitCode).toBe(4);
    expect(failed.stderr).toMatch(/run the command again to continue\."}\n.*MySQL can't be reached\..*\n$/);
    expect(JSON.parse(failed.stdout)).toMatchObject({ complete: false, added: 500 });

    // The answer to one INSERT is lost: it is sent again, and finds its own rows.
    cloud().faults.set('mysql', {
      kind: 'lose-answer',
      times: 1,
      match: (call) => call.store === 'mysql' && call.sql.startsWith('INSERT'),
    });
    expect(await imported(path)).toMatchObject({ unchanged: 500, added: 700, skipped: [] });
    cloud().faults.clear();
    expect(await users()).toHaveLength(1200);
  });
});

test('CSV as PostgreSQL and MySQL write it', async () => {
  const header =
    'id,password,last_login,is_superuser,username,first_name,last_name,email,is_staff,is_active,date_joined';
  const hash = djangoPbkdf2('x');
  const path = write(
    'auth_user.csv',
    `\ufeff${[
      header,
      `7,${hash},2024-05-01 09:30:00.123456+00,t,ada,"Ada, ""the"" First",Null,ada@example.org,t,t,2020-01-01 00:00:00+00`,
      `8,${hash},\\N,0,bob,,,,0,0,2020-01-01`,
      `9,!,NULL,0,cy,NULL,,NULL,0,True,2020-01-01`,
      `ten,${hash},,f,dan,,,,f,t,`,
      '',
    ].join('\r\n')}`,
  );
  const report = await imported(path, 1);
  expect(report).toMatchObject({ read: 4, added: 3, without_password: [{ username: 'cy' }] });
  expect(report.skipped).toMatchObject([{ place: 'line 5', username: 'dan' }]);
  expect(await users()).toMatchObject([
    {
      id: '7',
      password_hash: hash,
      first_name: 'Ada, "the" First',
      last_name: 'Null',
      is_active: 1,
      last_login_at: '2024-05-01 09:30:00.123',
    },
    { id: '8', email: null, is_active: 0, last_login_at: null },
    { id: '9', email: null, is_active: 1 },
  ]);
});
