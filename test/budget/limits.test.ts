import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { EXPIRED_BATCH_SIZE } from '../../src/session/end-expired-sessions.ts';
import { redisSessionEnds } from '../../src/session/redis-session-ends.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import { readCommandStatistics } from '../../tools/bench/command-statistics.ts';
import { addCrowd } from '../../tools/bench/crowd.ts';
import { directRedis, seedSessions, type SeededSession } from '../../tools/bench/seed.ts';
import {
  BUNDLE_GZIP_MAX_BYTES,
  COMMANDS_IN_REDIS,
  COMMANDS_PER_EXPIRY,
  SESSION_END_REDIS_MAX_BYTES,
} from '../../tools/budgets.ts';
import { removeVolumes } from '../../tools/local-cloud/docker.ts';
import { startServers, type Servers } from '../../tools/local-cloud/servers.ts';
import { connectRedis } from '../../tools/local-cloud/redis-connection.ts';
import { newTokenHash, sampleOperation, sampleSession, sampleStart, offer } from '../fakes/samples.ts';

const SESSIONS_OF_OTHERS = [100, 20_000] as const;
const OWN_SESSIONS = [1, 5, 20, 50] as const;
const DAY_MS = 86_400_000;

test('the bundle is at most 128 KiB', () => {
  const { script } = inject('bundle');
  if (script === null) throw new Error('There is no bundle');
  // gzip of the default level, as wrangler reports it.
  expect(gzipSync(script).length).toBeLessThanOrEqual(BUNDLE_GZIP_MAX_BYTES);
});

describe('the commands of an operation inside Redis grow only with the sessions of its user', () => {
  // A server of its own: the statistics count all clients of a server, and other tests run at the same time.
  const directory = mkdtempSync(join(tmpdir(), 'budget-'));
  let server: Servers | undefined;
  let redis: Redis;

  beforeAll(async () => {
    vi.stubEnv('REDIS_URL', '');
    vi.stubEnv('MYSQL_URL', inject('cloudServers').mysql.url);
    server = await startServers({ directory });
    vi.unstubAllEnvs();
    redis = await connectRedis(server.redis.url, 0);
  });
  afterAll(async () => {
    if (server !== undefined) redis.disconnect();
    await server?.stop();
    await removeVolumes(directory);
    rmSync(directory, { recursive: true, force: true });
  });

  const operations: Record<keyof typeof COMMANDS_IN_REDIS, (credential: SeededSession) => Promise<unknown>> =
    {
      check: ({ tokenHash }) => store().check(offer(tokenHash, 'bearer'), Date.now()),
      list: ({ tokenHash }) => store().list(offer(tokenHash, 'bearer'), Date.now()),
      'revoke all': ({ tokenHash }) =>
        store().revoke(offer(tokenHash, 'bearer'), 'all', sampleOperation(Date.now())),
      end: ({ tokenHash }) => store().end([tokenHash], 'bearer', 'logout', sampleOperation(Date.now())),
      'end of no session': () =>
        store().end([newTokenHash()], 'bearer', 'logout', sampleOperation(Date.now())),
      start: ({ userId }) => {
        const nowMs = Date.now();
        // It expires after the others, so the index has to live longer too.
        const session = sampleSession(nowMs, { userId, expiresAtMs: nowMs + 2 * DAY_MS });
        return store().start(sampleStart(session, newTokenHash()));
      },
    };
  const store = () => redisSessionStore(directRedis(redis));

  test.each(SESSIONS_OF_OTHERS)('among %d sessions of others', async (others) => {
    await redis.flushdb();
    await addCrowd(redis, others);
    let person = 0;
    for (const own of OWN_SESSIONS) {
      for (const [name, operation] of Object.entries(operations)) {
        person += 1;
        const people = Array.from({ length: own }, () => person);
        const [credential] = await seedSessions(directRedis(redis), people, 'bearer');
        if (credential === undefined) throw new Error('There is no session');
        await redis.config('RESETSTAT');
        await operation(credential);
        const { calls } = readCommandStatistics(await redis.info('commandstats'));
        // The local cloud's own: it looks up which keys a command has.
        delete calls['command|getkeys'];
        expect(calls, `${name}, ${own} own sessions`).toEqual(expected(name as keyof typeof operations, own));
      }
    }
  });

  test('an expired session costs the cron the same few, however many end', async () => {
    for (const count of [50, 1000]) {
      await redis.flushdb();
      await seedSessions(
        directRedis(redis),
        Array.from({ length: count }, (_, user) => user),
        'cookie',
      );
      const ends = redisSessionEnds(directRedis(redis));
      const nowMs = Date.now() + DAY_MS;
      await redis.config('RESETSTAT');
      let ended = 0;
      for (;;) {
        const minute = await ends.findOldestMinute(nowMs);
        if (minute === null) break;
        const { sessions } = await ends.readMinute(minute, null, EXPIRED_BATCH_SIZE);
        ended += (await ends.endExpired(minute, sessions, nowMs)).length;
      }
      const { calls } = readCommandStatistics(await redis.info('commandstats'));
      expect(ended).toBe(count);
      for (const [command, each] of Object.entries(COMMANDS_PER_EXPIRY)) {
        // And one or two for each batch and for the minutes in between.
        expect(calls[command], command).toBeGreaterThanOrEqual(each * count);
        expect(calls[command], command).toBeLessThanOrEqual(each * count + 2 * (count / 100 + 2));
      }
    }
  });

  test('the note of its end adds little to the memory of a session', async () => {
    await redis.flushdb();
    const count = 20_000;
    await addCrowd(redis, count);
    const bytes = await Promise.all(
      (await redis.keys('session-ends:*')).map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)),
    );
    const total = bytes.reduce<number>((sum, each) => sum + (each ?? 0), 0);
    expect(total).toBeGreaterThan(count * 40);
    expect(total).toBeLessThanOrEqual(count * SESSION_END_REDIS_MAX_BYTES);
  });
});

function expected(operation: keyof typeof COMMANDS_IN_REDIS, ownSessions: number): Record<string, number> {
  const rows = Object.entries<readonly [number, number]>(COMMANDS_IN_REDIS[operation]);
  return Object.fromEntries(rows.map(([command, [always, each]]) => [command, always + each * ownSessions]));
}
