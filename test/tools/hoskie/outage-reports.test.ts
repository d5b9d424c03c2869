import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CallContent } from '../../../tools/local-cloud/calls.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openSessions } from '../../faults/store-state.ts';
import { openCloud } from '../../support/cloud.ts';
import { addUser, logoutRows } from '../../support/people.ts';
import { seedSession } from '../../support/seed-session.ts';
import { expectFailure, runCli, runJson, startCli } from './run-cli.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterEach(() => cloud.faults.clear());
afterAll(() => cloud.stop());

const OUT_OF_MEMORY = JSON.stringify({
  error: "OOM command not allowed when used memory > 'maxmemory'.",
});

/** Redis refuses these scripts, as if it were full. */
function fill(isRefused: (script: string) => boolean): void {
  cloud.faults.set('redis', {
    kind: 'status',
    status: 400,
    body: OUT_OF_MEMORY,
    match: (call) =>
      call.store === 'redis' && call.commands.some(([, script]) => script !== undefined && isRefused(script)),
  });
}
const isWrite = (script: string): boolean => /'(?:SET|XADD)'/.test(script);
const setsCutoffOnly = (script: string): boolean => script.includes("'SET'") && !script.includes("'XADD'");

interface ErrorJson {
  error: { message: string; exit_code: number } & Record<string, unknown>;
}
const errorIn = (stderr: string): ErrorJson['error'] =>
  (JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as ErrorJson).error;

describe('what is not known is not claimed', () => {
  test.each([
    ['session end-all', 'Sessions may still be open'],
    ['user disable', 'is disabled, but sessions may still be open'],
    ['user passwd', 'The password is set, but sessions may still be open'],
  ])('%s with a full Redis', async (command, left) => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    fill(isWrite);
    const result = await runCli(cloud, [...command.split(' '), user.username], { input: 'a fake password' });
    expect(result.exitCode).toBe(4);
    expect(result.stdout).not.toContain('No session was open');
    expect(result.stderr).toContain(`${left}: Redis refuses the request (OOM). It is full`);
    expect(result.stderr).toMatch(/Retry with: hoskie \S+ \S+ --id \d+\n$/);
    expect(await openSessions(cloud, user.id)).toHaveLength(1);
  });

  test('open sessions end even if Redis cannot refuse the sign-ins under way', async () => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    fill(setsCutoffOnly);
    const ended = await runJson(cloud, ['session', 'end-all', user.username], { exitCode: 4 });
    expect(ended).toMatchObject({ revoked: 1, recorded: true, complete: false });
    expect(await openSessions(cloud, user.id)).toEqual([]);
    expect(await logoutRows(cloud, user)).toHaveLength(1);
  });
});

describe('a MySQL that hangs', () => {
  const isInsert = (call: CallContent): boolean => call.store === 'mysql' && call.sql.startsWith('INSERT');

  test('what was ended is printed before the rows are delivered', async () => {
    const user = await addUser(cloud);
    const { session } = await seedSession(cloud, user);
    cloud.faults.set('mysql', { kind: 'hang', match: isInsert });
    const child = startCli(cloud, ['user', 'disable', user.username]);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    await expect.poll(() => stdout, { timeout: 10_000 }).toContain(session.id);
    expect(child.exitCode).toBeNull();
    const closed = new Promise((resolve) => child.on('close', resolve));
    cloud.faults.clear();
    expect(await closed).toBe(0);
    expect(await logoutRows(cloud, user)).toHaveLength(1);
  });

  test('is given up once, and the session ends', async () => {
    const user = await addUser(cloud);
    const { session } = await seedSession(cloud, user);
    await cloud.settled();
    cloud.calls.length = 0;
    cloud.faults.set('mysql', { kind: 'hang' });
    const result = await runCli(cloud, ['session', 'end', session.id, '--timeout', '1']);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('Ended 1 session.');
    expect(result.stderr).toMatch(/MySQL doesn't reply in time.*Continuing without it/);
    expect(result.stderr).toMatch(/The rows are in the outbox/);
    await cloud.settled();
    expect(cloud.calls.filter(({ store }) => store === 'mysql')).toHaveLength(1);
    cloud.faults.clear();
    expect(await runJson(cloud, ['outbox', 'deliver'])).toMatchObject({ delivered: 1 });
  });
});

describe('an error has its number and the next step', () => {
  test('HTTP status', async () => {
    cloud.faults.set('mysql', { kind: 'status', status: 503 });
    expectFailure(await runCli(cloud, ['user', 'list']), 4, 'MySQL refuses the request (HTTP 503).');
  });

  test('a missing column or table leads to schema diff', async () => {
    const other = await openCloud();
    await other.query('ALTER TABLE users DROP COLUMN first_name');
    expectFailure(await runCli(other, ['user', 'list']), 4, /\(errno 1054\).*hoskie schema diff/);
    await other.query('DROP TABLE users');
    expectFailure(await runCli(other, ['user', 'list']), 4, /\(errno 1146\).*hoskie schema diff/);
    await other.stop();
  });

  test('wrong credentials are the operator’s, not an outage', async () => {
    const { UPSTASH_REDIS_REST_TOKEN: token, DATABASE_URL: url } = cloud.env;
    const wrongToken = await runCli(null, ['outbox', 'status'], {
      env: { ...cloud.env, UPSTASH_REDIS_REST_TOKEN: `${token}x` },
    });
    expectFailure(wrongToken, 2, /\(WRONGPASS\).* Check UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN/);
    const wrongPassword = await runCli(null, ['user', 'list'], {
      env: { ...cloud.env, DATABASE_URL: url.replace('@', 'x@') },
    });
    expectFailure(wrongPassword, 2, /\(HTTP 401\).* Check DATABASE_URL/);
    expect(wrongToken.stderr + wrongPassword.stderr).not.toContain(token);
  });
});

describe('with --json', () => {
  test('errors are JSON lines on standard error', async () => {
    cloud.faults.set('mysql', { kind: 'status', status: 503 });
    const out = await runCli(cloud, ['user', 'list', '--json']);
    expect(out).toMatchObject({ exitCode: 4, stdout: '' });
    expect(errorIn(out.stderr)).toEqual({
      message: 'MySQL refuses the request (HTTP 503).',
      exit_code: 4,
      store: 'database',
      fault: 'refused',
      http_status: 503,
    });
    cloud.faults.clear();
    const unknown = await runCli(cloud, ['user', 'enable', 'no-such-user', '--json']);
    expect(errorIn(unknown.stderr)).toMatchObject({ exit_code: 3 });
    const usage = await runCli(cloud, ['user', 'list', '--json', '--limit', '0']);
    expect(errorIn(usage.stderr)).toMatchObject({ exit_code: 2 });
  });

  test('so is what may still be open, beside what was ended', async () => {
    const user = await addUser(cloud);
    await seedSession(cloud, user);
    fill(isWrite);
    const result = await runCli(cloud, ['session', 'end-all', user.username, '--json']);
    expect(JSON.parse(result.stdout)).toMatchObject({ revoked: 0, complete: false });
    expect(errorIn(result.stderr)).toMatchObject({
      exit_code: 4,
      redis_error: 'OOM',
      retry: `hoskie session end-all --id ${user.id}`,
    });
  });
});
