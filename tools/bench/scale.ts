import type { Redis } from 'ioredis';
import type { Operation, Credential } from '../../src/session/session-store.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { readCommandStatistics, type InRedis } from './command-statistics.ts';
import { addCrowd } from './crowd.ts';
import { measureCell, median, type Bench, type Sample } from './measure.ts';
import { clientOf } from './people.ts';
import type { Cell } from './scenarios.ts';
import { directRedis, seedSessions } from './seed.ts';

const FEW = 100;
const MANY = 1_000_000;
const OWN_SESSIONS = [1, 10, 50] as const;
const REPETITIONS = 7;

/** Costs while Redis holds this many sessions of others. */
export interface Scale {
  sessions: number;
  /** A check through the whole service. */
  check: Sample;
  /** What Redis itself does for one check. */
  checkInRedis: InRedis;
  /** What Redis itself does to end all sessions of a user who has so many. */
  revokeAll: ({ ownSessions: number } & InRedis)[];
}

/** Measures a check and a sign-out everywhere among few sessions, and among a million. */
export async function measureScale(bench: Bench, check: Cell): Promise<Scale[]> {
  const { redis } = bench.cloud;
  const store = redisSessionStore(directRedis(redis));
  const results: Scale[] = [];
  for (const sessions of [FEW, MANY]) {
    // A cell begins with empty stores: the crowd joins when its own sessions are there.
    const crowded: Cell = {
      ...check,
      prepare: async (stage, count) => {
        const requests = await check.prepare(stage, count);
        await addCrowd(redis, sessions);
        return requests;
      },
    };
    const { sample } = await measureCell(bench, crowded, true);
    const checkInRedis = await workInRedis(redis, 1, (credential) => store.check(credential, Date.now()));
    const revokeAll: Scale['revokeAll'] = [];
    for (const ownSessions of OWN_SESSIONS) {
      const cost = await workInRedis(redis, ownSessions, (credential) =>
        store.revoke(credential, { all: 'everywhere' }, newOperation()),
      );
      revokeAll.push({ ownSessions, ...cost });
    }
    results.push({ sessions, check: sample, checkInRedis, revokeAll });
  }
  await redis.flushdb();
  return results;
}

function newOperation(): Operation {
  const nowMs = Date.now();
  return { id: uuidV7(nowMs), nowMs, client: clientOf(0) };
}

/** Lets somebody with that many sessions do something several times; medians of what Redis says it took. */
async function workInRedis(
  redis: Redis,
  ownSessions: number,
  work: (credential: Credential) => Promise<unknown>,
): Promise<InRedis> {
  const samples: InRedis[] = [];
  for (let i = 0; i < REPETITIONS; i += 1) {
    const people = Array.from({ length: ownSessions }, () => i);
    const [credential] = await seedSessions(directRedis(redis), people, 'bearer');
    if (credential === undefined) throw new Error('nobody has a session');
    await redis.config('RESETSTAT');
    await work({ tokenHash: credential.tokenHash, kind: 'bearer' });
    samples.push(readCommandStatistics(await redis.info('commandstats')));
    await redis.del(`user-sessions:${credential.userId}`);
  }
  return {
    commands: median(samples.map((sample) => sample.commands)),
    microseconds: median(samples.map((sample) => sample.microseconds)),
  };
}
