import { join } from 'node:path';
import { newSecret } from '../local-cloud/credentials.ts';
import { startLocalCloud, type LocalCloud } from '../local-cloud/local-cloud.ts';
import { applySqlFile } from '../local-cloud/sql-file.ts';
import { OUTPUT, ROOT } from './bundles.ts';
import { addUsers } from './seed.ts';

const QUIET_MS = 100;

/** What Workers run on and requests are made from. */
export interface TestEnvironment {
  cloud: LocalCloud;
  /** Bindings for the service. */
  bindings: Readonly<Record<string, string>> & { SECRET_KEY: string };
}

/** Starts fresh stores with so many users in them; `cloud.stop()` ends them. */
export async function openTestEnvironment(users: number): Promise<TestEnvironment> {
  // Ends the Workers with this process; it ends the servers.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const cloud = await startLocalCloud({
    directory: join(OUTPUT, 'cloud'),
    templates: join(ROOT, '.local/mysql-templates'),
    databaseName: 'bench',
    fresh: true,
  });
  try {
    // Otherwise Redis writes to the disk during the measurements.
    await cloud.redis.config('SET', 'appendonly', 'no');
    await applySqlFile(cloud, join(ROOT, 'schema.sql'));
    await addUsers(cloud, users);
    return { cloud, bindings: { ...cloud.env, SECRET_KEY: newSecret() } };
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}

/** CallCounts until no store has been called for a moment: the work in the background is done. */
export async function untilQuiet({ cloud }: TestEnvironment): Promise<void> {
  for (let last = -1; last !== cloud.calls.length;) {
    last = cloud.calls.length;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    await cloud.settled();
  }
}
