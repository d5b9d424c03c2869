import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';

/** The vendor's client over a cloud. */
export function upstashClient({ env }: CloudProxy, options: Partial<RedisConfigNodejs> = {}): Redis {
  return new Redis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    retry: { retries: 0 },
    automaticDeserialization: false,
    ...options,
  });
}

/** A cloud for the tests of one file, emptied before each of them, with the client as programs mostly use it. */
export function useUpstash(): { cloud: CloudProxy; redis: Redis } {
  const opened = {} as { cloud: CloudProxy; redis: Redis };
  beforeAll(async () => {
    opened.cloud = await openCloud({ schema: false });
    opened.redis = upstashClient(opened.cloud);
  });
  beforeEach(async () => {
    await opened.cloud.redis.flushdb();
    opened.cloud.calls.length = 0;
  });
  afterAll(() => opened.cloud.stop());
  return opened;
}

/** A request without the vendor's client. */
export async function post(
  { env }: CloudProxy,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(env.UPSTASH_REDIS_REST_URL + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, json: (await response.json()) as unknown };
}
