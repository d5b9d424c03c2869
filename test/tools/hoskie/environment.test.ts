import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';
import { expectFailure, runCli } from './run-cli.ts';

let cloud: CloudProxy;
let cwd: string;
beforeAll(async () => {
  cloud = await openCloud();
  cwd = mkdtempSync(join(tmpdir(), 'hoskie-'));
});
afterAll(async () => {
  rmSync(cwd, { recursive: true });
  await cloud.stop();
});

const envText = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${value}"\n`)
    .join('');

const ELSEWHERE = 'mysql://somebody:a-secret-word@127.0.0.1:1/elsewhere';

const list = (env: Record<string, string>, ...args: string[]) =>
  runCli(null, ['user', 'list', '--json', ...args], { env, cwd });

test('credentials come from .dev.vars or npm run dev, never from both', async () => {
  const none = await list({});
  expectFailure(none, 2, /No credentials\. Set .*--env FILE/);

  mkdirSync(join(cwd, '.local/dev'), { recursive: true });
  writeFileSync(join(cwd, '.local/dev/worker.env'), envText(cloud.env));
  const development = await list({});
  expect(development).toMatchObject({ exitCode: 0, stdout: '{"users":[],"has_more":false}\n' });
  expect(development.stderr).toBe(
    '{"note":"using the local cloud of npm run dev (.local/dev/worker.env)."}\n',
  );

  writeFileSync(join(cwd, '.dev.vars'), envText({ DATABASE_URL: ELSEWHERE }));
  expectFailure(await list({}), 4, 'MySQL');
  // The Redis of npm run dev is not taken for a MySQL of somewhere else.
  const mixed = await runCli(null, ['session', 'list', 'ann'], { env: {}, cwd });
  expectFailure(mixed, 2, 'UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: not set in .dev.vars.');
  for (const result of [none, mixed]) expect(result.stderr + result.stdout).not.toContain('a-secret-word');
});

test('before those comes the environment, and before that the file of --env', async () => {
  writeFileSync(join(cwd, '.dev.vars'), envText({ DATABASE_URL: ELSEWHERE }));
  const environment = await list({ DATABASE_URL: cloud.env.DATABASE_URL });
  expect(environment).toMatchObject({ exitCode: 0, stderr: '' });

  writeFileSync(join(cwd, 'staging.env'), envText({ DATABASE_URL: ELSEWHERE }));
  const file = await list({ DATABASE_URL: cloud.env.DATABASE_URL }, '--env', 'staging.env');
  expectFailure(file, 4, 'MySQL');
  expectFailure(await list({}, '--env', 'no-such-file'), 2, "no-such-file can't be read.");
  expect(file.stderr + file.stdout).not.toContain('a-secret-word');
});

test('malformed values are named, never shown; settings are those of the Worker', async () => {
  const url = 'not-a-url-but-a-secret';
  const malformed = await runCli(null, ['user', 'list'], { env: { DATABASE_URL: url }, cwd });
  expectFailure(malformed, 2, 'DATABASE_URL: malformed in the environment.');
  expect(malformed.stderr).not.toContain(url);

  const strict = { ...cloud.env, MIN_PASSWORD_LENGTH: '15' };
  const short = await runCli(null, ['user', 'add', 'ann'], { env: strict, cwd, input: 'fourteen-chars' });
  expectFailure(short, 1, 'at least 15 characters');
  const wrong = { ...cloud.env, BCRYPT_ROUNDS: '40' };
  expectFailure(await runCli(null, ['user', 'list'], { env: wrong, cwd }), 2, 'BCRYPT_ROUNDS: malformed');
});

test('help has examples for each command, and exits with 0; a missing command is a usage error', async () => {
  const commands = [
    ...['add', 'passwd', 'disable', 'enable', 'rename', 'delete', 'list', 'import'].map((word) => [
      'user',
      word,
    ]),
    ...['list', 'end', 'end-all'].map((word) => ['session', word]),
    ['logouts'],
    ['logins'],
    ...['status', 'deliver', 'retry-set-aside'].map((word) => ['outbox', word]),
    ...['check', 'repair'].map((word) => ['index', word]),
    ...['apply', 'diff'].map((word) => ['schema', word]),
    ['doctor'],
  ];
  const helps = await Promise.all(
    commands.map((words) => runCli(null, [...words, '--help'], { env: {}, cwd })),
  );
  helps.forEach((help, i) => {
    expect(help, commands[i]?.join(' ')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(help.stdout).toContain(`Examples:\n  hoskie ${commands[i]?.join(' ')}`);
    expect(help.stdout).toContain('--json');
  });
  const [bare, group, unknown, version] = await Promise.all(
    [[], ['user'], ['usr'], ['--version']].map((args) => runCli(null, args, { env: {}, cwd })),
  );
  expect([bare?.exitCode, group?.exitCode, unknown?.exitCode]).toEqual([2, 2, 2]);
  expect(unknown?.stderr).toMatch(/unknown command 'usr'/);
  expect(version).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
}, 90_000);
