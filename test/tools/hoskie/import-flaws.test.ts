import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { djangoPbkdf2, entry, openImportCloud } from './import-cloud.ts';
import { expectFailure, runCli } from './run-cli.ts';

const { cloud, users, write, imported } = openImportCloud();

describe('what cannot be imported', () => {
  test('is reported with its place, and the others come in', async () => {
    await cloud().query(
      "INSERT INTO users (id, username, password_hash) VALUES (50, 'here', '!'), (51, 'spaced ', '!')",
    );
    const path = write('flaws.json', [
      entry(1, { username: 'good', email: '', last_login: '2024-05-01T11:30:00+02:00' }),
      entry(2, { username: 'good' }),
      entry(3, { username: 'good ' }),
      entry(1, { username: 'same-id' }),
      entry(50, { username: 'other-name' }),
      entry(60, { username: 'here' }),
      entry(52, { username: 'spaced' }),
      entry(4, { username: '' }),
      entry(5, { username: 'x'.repeat(151) }),
      entry(6, { username: 'long-email', email: `${'e'.repeat(250)}@x.org` }),
      entry('0b6b2c1e-0000-4000-8000-000000000000', { username: 'uuid' }),
      entry(0, { username: 'zero' }),
      entry(7, { username: 'no-time', last_login: 'yesterday' }),
      entry(8, { username: 'no-bool', is_active: 'perhaps' }),
      entry(13, { username: 'no-day', last_login: '2024-02-30T09:30:00Z' }),
      entry(14, { username: 'not-yet', last_login: new Date(Date.now() + 3_600_000).toISOString() }),
      entry(9, { username: '\ud800' }),
      entry(10, { username: 42 }),
      { model: 'auth.group', pk: 1, fields: { name: 'editors' } },
      // Not a name of its own, but not a flaw either.
      entry(11, { username: 'Good' }),
      entry(12, { username: '😀'.repeat(150) }),
      entry(13, { username: 'zero\u200bwidth' }),
      entry(14, { username: 'ｕnknown:0123456789abcdef' }),
    ]);
    // Beyond 2^53: the digits must come through as they are. Beyond 2^63, no other system would read them.
    const text = JSON.stringify(entry('BIG', { username: 'big' })).replace('"BIG"', '9223372036854775807');
    const bigger = JSON.stringify(entry('BIG', { username: 'bigger' })).replace(
      '"BIG"',
      '9223372036854775808',
    );
    const withBig = write('flaws-big.json', `${readFileSync(path, 'utf8').slice(0, -1)},${text},${bigger}]`);

    const report = await imported(withBig, 1);
    expect(report).toMatchObject({ read: 24, added: 4, other_models: 1 });
    expect(report.skipped.map(({ place, reason }) => `${place}: ${reason}`).sort()).toEqual(
      [
        'entry 2: the same name as entry 1',
        'entry 3: the name begins or ends with white space',
        'entry 4: the same id as entry 1',
        'entry 5: the id belongs to here here',
        'entry 6: the name has the id 50 here',
        'entry 7: a user here has this name with other trailing spaces (id 51)',
        'entry 22: the name has control, zero-width or other invisible characters',
        'entry 23: the name begins with "unknown:"',
        'entry 8: the name is empty',
        'entry 9: username has more than 150 characters',
        'entry 10: email has more than 254 characters',
        'entry 11: the id is not a number from 1 to 9223372036854775807',
        'entry 12: the id is not a number from 1 to 9223372036854775807',
        'entry 13: last_login is not a time',
        'entry 14: is_active is neither true nor false',
        'entry 15: last_login is not a time',
        'entry 16: last_login is in the future',
        'entry 17: username is not valid Unicode text',
        'entry 18: username is not text',
        'entry 25: the id is not a number from 1 to 9223372036854775807',
      ].sort(),
    );
    const rows = await users();
    expect(rows.map((row) => row['id'])).toEqual(['1', '11', '12', '50', '51', '9223372036854775807']);
    expect(rows[0]).toMatchObject({ last_login_at: '2024-05-01 09:30:00.000' });

    expect(await imported(withBig, 0, '--allow-skips')).toMatchObject({ added: 0, unchanged: 4 });
    const table = await runCli(cloud(), ['user', 'import', withBig]);
    expect(table.exitCode).toBe(1);
    expect(table.stdout).toMatch(/Skipped:\nPLACE +NAME +REASON\nentry 2 /);
  });

  test('a password that cannot be used leaves a user without one, and is named by its algorithm alone', async () => {
    const path = write('hashers.json', [
      entry(1, { username: 'argon', password: 'argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA' }),
      entry(2, { username: 'scrypt', password: 'scrypt$16384$salt$8$1$hash' }),
      entry(3, { username: 'md5', password: '5f4dcc3b5aa765d61d8327deb882cf99' }),
      entry(4, { username: 'costly', password: djangoPbkdf2('x').replace('$1000$', '$3000000$') }),
      entry(5, { username: 'cut', password: 'bcrypt_sha256$$2b$12$short' }),
      entry(6, { username: 'null', password: null }),
    ]);
    const report = await imported(path);
    expect(report.without_password).toEqual([
      { username: 'argon', reason: 'argon2' },
      { username: 'scrypt', reason: 'scrypt (too costly or unreadable)' },
      { username: 'md5', reason: 'unknown' },
      { username: 'costly', reason: 'pbkdf2_sha256 (too many iterations)' },
      { username: 'cut', reason: 'bcrypt_sha256 (unreadable)' },
      { username: 'null', reason: 'none' },
    ]);
    expect(new Set((await users()).map((row) => row['password_hash']))).toEqual(new Set(['!']));
    expect(report.refusal_floor_ms).toBeNull();
    const { stdout } = await runCli(cloud(), ['user', 'import', path]);
    expect(stdout).toContain('hoskie user passwd');
    expect(stdout).toContain('PASSWORD_HASHERS');
  });

  test('a slower hash than ours makes it recommend a REFUSAL_FLOOR_MS', async () => {
    const slow = djangoPbkdf2('x').replace('$1000$', '$1000000$');
    const path = write('slow.json', [
      entry(1, { username: 'a', password: slow }),
      entry(2, { username: 'b' }),
    ]);
    expect((await imported(path)).refusal_floor_ms).toBe(1000);
    const { stdout } = await runCli(cloud(), ['user', 'import', path, '--dry-run']);
    expect(stdout).toContain('Set REFUSAL_FLOOR_MS to 1000');
    const fast = write('fast.json', [entry(3, { username: 'c', password: djangoPbkdf2('x') })]);
    expect((await imported(fast)).refusal_floor_ms).toBeNull();
  });

  test('a file that is no dump is an error in usage', async () => {
    const cases: [string, string, string][] = [
      ['a', '[{"model": "auth.user"', 'is not JSON'],
      ['b', '{"model":"auth.user","fields":{}}\n{', 'is not JSON in line 2'],
      ['c', '[{"pk": 1}]', 'entry 1 has no model and fields'],
      ['d', '[{"model":"accounts.user","pk":1,"fields":{}}]', 'has no auth.user; it has accounts.user'],
      ['e', 'id,name\n1,ann\n', 'no column username and password'],
      ['f', 'username,password\n"ann', 'neither JSON nor CSV'],
      ['g', '', 'is empty'],
      ['h', ' \n', 'is empty'],
      ['i', ' [ ] ', 'has no users'],
      ['j', 'username,password\n', 'has no users'],
      ['k', '[{"model":"auth.user","pk":1,"fields":{}},]', 'is not JSON'],
      ['l', '[{"model":"auth.user","pk":1,"fields":{}}] []', 'is not JSON'],
      ['m', '[{"model":"auth.user","pk":1,"fields":{"username":"x}', 'is not JSON'],
    ];
    const results = await Promise.all(
      cases.map(([name, text]) => runCli(cloud(), ['user', 'import', write(name, text)])),
    );
    results.forEach((result, i) => expectFailure(result, 2, cases[i]?.[2] ?? ''));
    expectFailure(await runCli(cloud(), ['user', 'import', 'no-such-file.json']), 2, "can't be read");
    expectFailure(await runCli(cloud(), ['user', 'import', '/dev/null']), 2, 'is no regular file');
  });

  test('a file that breaks off is found before anything is imported', async () => {
    const whole = JSON.stringify(Array.from({ length: 1500 }, (_, i) => entry(i + 1, { username: `u${i}` })));
    const result = await runCli(cloud(), ['user', 'import', write('broken.json', whole.slice(0, -50))]);
    expectFailure(result, 2, 'is not JSON');
    expect(await users()).toEqual([]);
  });
});
