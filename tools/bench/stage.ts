import { join } from 'node:path';
import { newSecret } from '../local-cloud/credentials.ts';
import { startLocalCloud, type LocalCloud } from '../local-cloud/local-cloud.ts';
import { applySqlFile } from '../local-cloud/sql-file.ts';
import { OUTPUT, ROOT } from './bundles.ts';
import { buildCandidates, CANDIDATE_NAMES, type Candidate, type CandidateName } from './candidates.ts';
import { LoadGenerator } from './load.ts';
import type { Bench } from './measure.ts';
import { addPeople, bcryptHash } from './people.ts';
import { cloudRedis } from './seed.ts';
import { spawnWorkerd, untilListening, type Workerd } from './workerd.ts';

export interface OpenBench extends Bench {
  candidates: Record<CandidateName, Candidate>;
  stop(): Promise<void>;
}

/** Fresh stores with everybody in them, and each candidate's Worker, running. */
export async function openBench(seconds: number): Promise<OpenBench> {
  const cloud = await startLocalCloud({
    directory: join(OUTPUT, 'cloud'),
    templates: join(ROOT, '.local/mysql-templates'),
    databaseName: 'bench',
    fresh: true,
  });
  const workers: Partial<Record<CandidateName, Workerd>> = {};
  const load = new LoadGenerator();
  const stop = async (): Promise<void> => {
    await load.stop();
    await Promise.all(Object.values(workers).map((worker) => worker.stop()));
    await cloud.stop();
  };
  try {
    const { candidates, secretKey } = await fill(cloud);
    for (const name of CANDIDATE_NAMES) {
      const { bundle, bindings } = candidates[name];
      const worker = await spawnWorkerd(bundle, bindings);
      workers[name] = worker;
      await untilListening(worker, bundle, { path: '/' });
    }
    const origins = Object.fromEntries(
      Object.entries(workers).map(([name, { origin }]) => [name, origin]),
    ) as Record<CandidateName, string>;
    const stage = { redis: cloudRedis(cloud), secretKey, origins };
    return { cloud, load, seconds, workers, stage, candidates, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function fill(cloud: LocalCloud) {
  // A million sessions would be written to the disk behind the measurements.
  await cloud.redis.config('SET', 'appendonly', 'no');
  await applySqlFile(cloud, join(ROOT, 'schema.sql'));
  await applySqlFile(cloud, join(import.meta.dirname, 'better-auth/schema.sql'));
  const secretKey = newSecret();
  const hash = await bcryptHash();
  await addPeople(cloud, hash);
  return { candidates: buildCandidates(cloud, { secretKey, hash }), secretKey };
}
