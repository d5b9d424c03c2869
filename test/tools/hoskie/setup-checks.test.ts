import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { runAlone } from '../../../tools/local-cloud/mysql-pool.ts';
import { startProxy } from '../../../tools/local-cloud/proxy.ts';
import { SetupSite } from './setup-site.ts';
import type { CliResult } from './run-cli.ts';

vi.setConfig({ testTimeout: 120_000 });

// A site that is live, set up again with credentials that don't work.
let site: SetupSite;
beforeAll(async () => {
  site = await SetupSite.open({ schema: true });
});
beforeEach(() => site.becomeLive());
afterAll(() => site[Symbol.asyncDispose]());

const expectRefused = ({ exitCode, stdout, stderr }: CliResult, failures: (string | RegExp)[]): void => {
  expect(exitCode, stdout + stderr).toBe(1);
  expect(stdout.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual(
    failures.map((failure) => expect.stringMatching(failure) as string),
  );
  expect(stderr).toMatch(/: see above\. Nothing was changed\.\n$/);
  expect(stdout).not.toContain('Plan for');
};

test('a wrong Redis token', async () => {
  const result = await site.run(['--yes'], { UPSTASH_REDIS_REST_TOKEN: 'a-wrong-token' });
  expectRefused(result, [/^FAIL {2}Redis: token: it is refused \(HTTP 401\): copy the standard token/]);
  expect(result.stdout + result.stderr).not.toContain('a-wrong-token');
});

test('an address where no Redis is', async () => {
  const url = site.worker.localOrigin;
  expectRefused(await site.run(['--yes'], { UPSTASH_REDIS_REST_URL: url }), [/^FAIL {2}Redis: token: /]);
  expectRefused(await site.run(['--yes'], { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:2' }), [
    /^FAIL {2}Redis: token: no response/,
  ]);
});

/** In front of Redis: changes what it replies. */
async function withReplies<T>(
  change: (command: string, reply: string) => string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const headers = { Authorization: request.headers.authorization ?? '' };
      const reply = await fetch(site.cloud.env.UPSTASH_REDIS_REST_URL, { method: 'POST', headers, body });
      const [command = ''] = JSON.parse(body) as string[];
      response.end(change(command, await reply.text()));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
  }
}

test('eviction that is on, and one of which Redis says nothing', async () => {
  const setUp = (UPSTASH_REDIS_REST_URL: string) => site.run(['--yes'], { UPSTASH_REDIS_REST_URL });
  const on = await withReplies(
    (_, reply) => reply.replace('maxmemory_policy:noeviction', 'maxmemory_policy:optimistic-volatile'),
    setUp,
  );
  expectRefused(on, [
    /^FAIL {2}Redis: eviction: it is on \(optimistic-volatile\): a full Redis would drop sessions/,
  ]);

  const unknown = await withReplies((_, reply) => reply.replace(/maxmemory_policy:\w+/, ''), setUp);
  expect(unknown.exitCode, unknown.stdout).toBe(0);
  expect(unknown.stdout).toMatch(
    /^skip {2}Redis: eviction: unknown, as INFO does not say; in the Upstash console/m,
  );
  expect(unknown.stdout).toContain('  - Upstash console: see that Eviction is off.\n');
});

test('the read-only token', async () => {
  const NOPERM = JSON.stringify({ error: "NOPERM this user has no permissions to run the 'set' command" });
  const result = await withReplies(
    (command, reply) => (['SET', 'DEL', 'EVAL'].includes(command) ? NOPERM : reply),
    (UPSTASH_REDIS_REST_URL) => site.run(['--yes'], { UPSTASH_REDIS_REST_URL }),
  );
  const wrong = 'refused \\(NOPERM\\): this is the read-only token; take the standard one$';
  expectRefused(result, [
    new RegExp(`^FAIL {2}Redis: writes: ${wrong}`),
    new RegExp(`^FAIL {2}Redis: EVAL: ${wrong}`),
  ]);
});

test('a MySQL user who may only read', async () => {
  const { redis, mysql } = inject('cloudServers');
  const { databaseName } = site.cloud;
  const name = `reader_${databaseName}`.slice(0, 32);
  await runAlone(mysql, 'CREATE USER ?@? IDENTIFIED BY ?', [name, '%', 'reader']);
  // CREATE is for the stand-in, which makes its database.
  await runAlone(mysql, 'GRANT SELECT, CREATE ON ??.* TO ?@?', [databaseName, name, '%']);
  const url = new URL(mysql.url);
  Object.assign(url, { username: name, password: 'reader' });
  const readOnly = await startProxy({
    servers: { redis, mysql: { url: url.href } },
    redisDatabase: 1,
    databaseName,
  });
  const result = await site.run(['--yes'], { DATABASE_URL: readOnly.env.DATABASE_URL });
  await readOnly.stop();
  await runAlone(mysql, 'DROP USER ?@?', [name, '%']);
  expectRefused(result, [
    /^FAIL {2}MySQL: rights: no right to UPDATE on users, INSERT on login_activity, .*: take a password with the role Read\/Write$/,
  ]);
});

test('a column that is missing: added if rows need no value for it, otherwise named', async () => {
  await site.cloud.query('ALTER TABLE users DROP COLUMN email');
  const added = await site.run();
  expect(added.exitCode, added.stdout).toBe(0);
  expect(added.stdout).toMatch(/^Plan for cloud-hoskie:\n {2}MySQL: add users\.email at 127\.0\.0\.1:.*\n/m);
  expect(added.stdout).toMatch(/^done: users\.email added to MySQL$/m);
  expect(await site.cloud.query('SELECT email FROM users')).toEqual([]);

  await site.cloud.query('ALTER TABLE login_activity DROP COLUMN username');
  const refused = await site.run();
  expectRefused(refused, [
    /^FAIL {2}MySQL: tables: login_activity\.username, .* must be changed by hand: hoskie schema diff prints the statements$/,
  ]);
});
