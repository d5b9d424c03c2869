import { join } from 'node:path';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import {
  DirectoryInUseError,
  startServers,
  type ServerAddresses,
  type Servers,
} from '../tools/local-cloud/servers.ts';
import { buildBundle } from './support/bundle.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    cloudServers: ServerAddresses;
    /** Part of the name of every database of this test run. */
    cloudRun: string;
    /** The Worker as it is uploaded; without a script where it could not be built, for the reason given. */
    bundle: { script: string; error: null } | { script: null; error: string };
  }
}

/** The number of test runs that may be under way in one checkout. */
const DIRECTORIES = 8;

const LOCAL = join(import.meta.dirname, '../.local');

/** Starts a fresh Redis and a fresh MySQL for the whole test run; returns what stops them. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startInFreeDirectory();
  const { redis, mysql } = servers;
  project.provide('cloudServers', { redis, mysql });
  project.provide('bundle', bundleOrError());
  project.provide('cloudRun', `${Date.now().toString(36)}${process.pid.toString(36)}`);
  return () => servers.stop();
}

/** Only the tests of the whole Worker need it: the others run all the same. */
function bundleOrError(): ProvidedContext['bundle'] {
  try {
    return { script: buildBundle(), error: null };
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: Buffer };
    return { script: null, error: `${message}\n${stderr?.toString() ?? ''}` };
  }
}

async function startInFreeDirectory(): Promise<Servers> {
  for (let number = 1; ; number += 1) {
    const directory = join(LOCAL, number === 1 ? 'test' : `test-${number}`);
    try {
      return await startServers({ directory, fresh: true, templates: join(LOCAL, 'mysql-templates') });
    } catch (error) {
      if (!(error instanceof DirectoryInUseError) || number === DIRECTORIES) throw error;
    }
  }
}
