import { afterAll, afterEach, beforeAll } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openCloud } from './cloud.ts';
import { openWorker, type TestWorker, type WorkerOptions } from './worker.ts';

export interface TestEnvironment {
  readonly cloud: CloudProxy;
  readonly worker: TestWorker;
}

/** One cloud and one Worker for a test file, started before its tests and stopped after them; no fault outlives its test. */
export function useTestEnvironment(bindings?: WorkerOptions['bindings']): TestEnvironment {
  let opened: { cloud: CloudProxy; worker: TestWorker } | null = null;
  const require = () => {
    if (opened === null) throw new Error('The environment is open in tests and hooks only');
    return opened;
  };
  beforeAll(async () => {
    const cloud = await openCloud();
    opened = { cloud, worker: await openWorker({ cloud, ...(bindings === undefined ? {} : { bindings }) }) };
  });
  afterEach(() => opened?.cloud.faults.clear());
  afterAll(async () => {
    await opened?.worker.stop();
    await opened?.cloud.stop();
  });
  return {
    get cloud() {
      return require().cloud;
    },
    get worker() {
      return require().worker;
    },
  };
}
