import { Client } from '@planetscale/database';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Fault } from '../../../tools/local-cloud/faults.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';

export interface OpenProxy {
  cloud: CloudProxy;
  client: Client;
  /** Sends one Redis command. */
  send(command: unknown[], signal?: AbortSignal): Promise<Response>;
  /** Activates a fault; resolves when it is injected for the first time. */
  inject(store: 'redis' | 'mysql', fault: Fault): Promise<void>;
}

/** A cloud for the tests of one file, with the table `t`, emptied before each of them. */
export function useProxy(): OpenProxy {
  const opened = {} as OpenProxy;
  beforeAll(async () => {
    const cloud = await openCloud({ schema: false });
    await cloud.query('CREATE TABLE t (id INT PRIMARY KEY)');
    Object.assign(opened, openProxy(cloud));
  });
  beforeEach(async () => {
    await opened.cloud.redis.flushdb();
    await opened.cloud.query('TRUNCATE TABLE t');
    opened.cloud.calls.length = 0;
  });
  afterEach(async () => {
    opened.cloud.faults.clear();
    await opened.cloud.settled();
  });
  afterAll(() => opened.cloud.stop());
  return opened;
}

function openProxy(cloud: CloudProxy): OpenProxy {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, DATABASE_URL } = cloud.env;
  return {
    cloud,
    client: new Client({ url: DATABASE_URL }),
    send: (command, signal) =>
      fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(command),
        ...(signal !== undefined && { signal }),
      }),
    inject: (store, fault) =>
      new Promise((resolve) => {
        cloud.faults.set(store, { ...fault, match: () => (resolve(), true) });
      }),
  };
}
