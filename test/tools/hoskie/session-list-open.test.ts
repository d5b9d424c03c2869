import { expect, test } from 'vitest';
import { recordKey } from '../../../src/session/redis-keys.ts';
import { newTokenHash, sampleSession, sampleStart } from '../../fakes/samples.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { useCloud } from '../../support/test-environment.ts';
import { seedSession } from '../../support/seed-session.ts';
import { expectFailure, runCli } from './run-cli.ts';

const environment = useCloud();

const ann = { id: '11', username: 'ann', password: '' };
const ben = { id: '12', username: 'b\u0007en', password: '' };
const linesOf = (stdout: string): string[] => stdout.trimEnd().split('\n');

test('lists the open sessions of all users, and nothing of their tokens', async () => {
  const { cloud } = environment;
  const cookie = await seedSession(cloud, ann);
  const bearer = await seedSession(cloud, ben, { kind: 'bearer', deviceName: "Ben's phone" });
  const expired = await seedSession(cloud, ann, { createdAtMs: Date.now() - 3 * 3_600_000 });
  expect(await cloud.redis.exists(recordKey(expired.tokenHash))).toBe(1);
  await cloud.redis.set('session:damaged', 'no record');

  const json = await runCli(cloud, ['session', 'list', '--open', '--json']);
  expect(json).toMatchObject({ exitCode: 0, stderr: '' });
  const sessions = linesOf(json.stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(sessions.sort((a, b) => (String(a['user_id']) < String(b['user_id']) ? -1 : 1))).toEqual([
    expect.objectContaining({ user_id: '11', username: 'ann', id: cookie.session.id, kind: 'cookie' }),
    {
      user_id: '12',
      username: ben.username,
      id: bearer.session.id,
      kind: 'bearer',
      created_at: new Date(bearer.session.createdAtMs).toISOString(),
      last_seen_at: new Date(bearer.session.lastSeenAtMs).toISOString(),
      expires_at: new Date(bearer.session.expiresAtMs).toISOString(),
      ip_address: '203.0.113.7',
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
      country: 'DE',
      device_name: "Ben's phone",
      remember_me: false,
    },
  ]);

  const table = await runCli(cloud, ['session', 'list', '--open']);
  expect(table).toMatchObject({ exitCode: 0, stderr: '' });
  const [headings, ...rows] = linesOf(table.stdout);
  expect(headings).toMatch(/^USER ID +USER +SESSION +KIND/);
  expect(rows).toHaveLength(2);
  const row = rows.find((each) => each.includes(bearer.session.id)) ?? '';
  expect(row.indexOf(bearer.session.id)).toBe(headings?.indexOf('SESSION'));
  expect(row).toContain('b\\u0007en');
  for (const { token, tokenHash } of [cookie, bearer]) {
    expect(json.stdout + table.stdout).not.toContain(token);
    expect(json.stdout + table.stdout).not.toContain(tokenHash);
  }
});

test('lists more than one step has, or as many as wanted', async () => {
  const { sessions } = openCloudStores(environment.cloud);
  const ids = new Set<string>();
  for (let i = 0; i < 1300; i += 1) {
    const session = sampleSession(Date.now());
    await sessions.start(sampleStart(session, newTokenHash()));
    ids.add(session.id);
  }
  const all = await runCli(environment.cloud, ['session', 'list', '--open', '--json']);
  expect(new Set(linesOf(all.stdout).map((line) => (JSON.parse(line) as { id: string }).id))).toEqual(ids);
  for (const limit of [3, 700]) {
    const some = await runCli(environment.cloud, ['session', 'list', '--open', '--limit', String(limit)]);
    expect(linesOf(some.stdout)).toHaveLength(1 + limit);
  }
});

test('needs Redis alone; is no list of one user; an outage is no empty list', async () => {
  const { cloud } = environment;
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = cloud.env;
  const env = { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN };
  expect(await runCli(null, ['session', 'list', '--open', '--json'], { env })).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  expectFailure(await runCli(cloud, ['session', 'list', 'ann', '--open']), 2, 'leave the name out');
  expectFailure(await runCli(cloud, ['session', 'list']), 2, 'Name a user, or list all with --open.');
  expectFailure(await runCli(cloud, ['session', 'list', 'ann', '--limit', '3']), 2, '--limit goes with');
  cloud.faults.set('redis', { kind: 'status', status: 503 });
  expectFailure(await runCli(cloud, ['session', 'list', '--open']), 4, 'Redis refuses the request');
});
