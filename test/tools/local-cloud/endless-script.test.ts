import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { removeVolumes } from '../../../tools/local-cloud/docker.ts';
import { startLocalCloud, type LocalCloud } from '../../../tools/local-cloud/local-cloud.ts';
import { upstashClient } from './use-upstash.ts';

// A Redis of its own: the other tests' would be busy for a while.
const directory = mkdtempSync(join(tmpdir(), 'endless-script-'));
let cloud: LocalCloud;

beforeAll(async () => {
  vi.stubEnv('REDIS_URL', '');
  vi.stubEnv('MYSQL_URL', inject('cloudServers').mysql.url);
  const databaseName = `test_${inject('cloudRun')}_endless`;
  cloud = await startLocalCloud({ directory, databaseName, scriptLimitMs: 100 });
  vi.unstubAllEnvs();
  await cloud.redis.config('SET', 'lua-time-limit', '50');
});
afterAll(async () => {
  await cloud.query('DROP DATABASE ??', [cloud.databaseName]);
  await cloud.stop();
  await removeVolumes(directory);
  rmSync(directory, { recursive: true, force: true });
});

test.each([
  ['that only computes', 'while true do end', 'SCRIPT KILL'],
  ['that reads', "while true do redis.call('GET', KEYS[1]) end", /SCRIPT KILL|too many commands/],
  ['that catches errors', "while true do pcall(redis.call, 'GET', KEYS[1]) end", 'SCRIPT KILL'],
  ['that writes', "while true do redis.call('INCR', KEYS[1]) end", 'too many commands'],
])('an endless script %s fails, and others go on', async (_what, script, error) => {
  const redis = upstashClient(cloud);
  const failed = expect(redis.eval(script, ['k'], [])).rejects.toThrow(error);
  await expect.poll(() => upstashClient(cloud).ping(), { timeout: 20_000 }).toBe('PONG');
  await failed;
  expect(await redis.ping()).toBe('PONG');
});

test('a script within the limit is left alone', async () => {
  const redis = upstashClient(cloud);
  expect(
    await redis.eval("for i = 1, 1000 do redis.call('INCR', KEYS[1]) end return 'done'", ['n'], []),
  ).toBe('done');
});
