import { readCommandStatistics, type InRedis } from './command-statistics.ts';
import { addCrowd } from './crowd.ts';
import { sendAll } from './load.ts';
import type { Bench } from './measure.ts';
import { service } from './requests.ts';
import { median } from './results.ts';
import { untilQuiet } from './test-environment.ts';

const FEW_SESSIONS = 100;
const REPETITIONS = 7;
const OPERATIONS = [
  { operation: 'session check', prepare: service.checkByBearer },
  { operation: 'revoke all 1 of a user', prepare: service.revokeAll(1) },
  { operation: 'revoke all 10 of a user', prepare: service.revokeAll(10) },
  { operation: 'revoke all 50 of a user', prepare: service.revokeAll(50) },
];

/** What Redis does for one request while it holds so many sessions of other users. Medians. */
export interface CrowdedCost extends InRedis {
  sessions: number;
  operation: string;
}

/** Measures a session check and a sign-out everywhere among few sessions, and among many. */
export async function measureCrowdedCosts(bench: Bench, manySessions: number): Promise<CrowdedCost[]> {
  const { redis } = bench.cloud;
  const { origin } = bench.workers.service;
  const costs: CrowdedCost[] = [];
  for (const sessions of [FEW_SESSIONS, manySessions]) {
    await redis.flushdb();
    await addCrowd(redis, sessions);
    let user = 0;
    for (const { operation, prepare } of OPERATIONS) {
      const samples: InRedis[] = [];
      for (let i = 0; i < REPETITIONS; i += 1) {
        // Each has no sessions but those of this measurement.
        user += 1;
        const requests = await prepare(bench, [user], origin);
        await redis.config('RESETSTAT');
        const { unexpected } = await sendAll(origin, requests, 1);
        if (unexpected[0] !== undefined) throw new Error(unexpected[0]);
        await untilQuiet(bench);
        samples.push(readCommandStatistics(await redis.info('commandstats')));
      }
      const commands = median(samples.map((sample) => sample.commands));
      const microseconds = median(samples.map((sample) => sample.microseconds));
      costs.push({ sessions, operation, commands, microseconds });
    }
  }
  await redis.flushdb();
  return costs;
}
