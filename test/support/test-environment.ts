import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openCloud, type CloudOptions } from './cloud.ts';
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

/** One cloud for a test file, without activity and with an empty Redis before each test; no fault outlives its test. */
export function useCloud(options: CloudOptions = {}): Pick<TestEnvironment, 'cloud'> {
  let opened: CloudProxy | null = null;
  const require = () => {
    if (opened === null) throw new Error('The cloud is open in tests and hooks only');
    return opened;
  };
  beforeAll(async () => {
    opened = await openCloud(options);
  });
  beforeEach(async () => {
    const cloud = require();
    await cloud.redis.flushdb();
    if (options.schema === false) return;
    for (const table of ['logout_activity', 'login_activity']) await cloud.query(`DELETE FROM ${table}`);
  });
  afterEach(() => opened?.faults.clear());
  afterAll(() => opened?.stop());
  return {
    get cloud() {
      return require();
    },
  };
}
