import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { startProxy, type CloudProxy, type ProxyOptions } from '../../tools/local-cloud/proxy.ts';
import { dropDatabase } from '../../tools/local-cloud/mysql-pool.ts';
import { applySqlFile } from '../../tools/local-cloud/sql-file.ts';
import { connectRedis } from '../../tools/local-cloud/redis-connection.ts';

const SCHEMA_FILE = join(import.meta.dirname, '../../schema.sql');

/** Counts the proxies of this test run, in logical database 0, which no proxy gets. */
const COUNTER_KEY = 'test-proxies';

export interface CloudOptions extends Pick<ProxyOptions, 'sessionIdleMs'> {
  /** False leaves the database without tables. */
  schema?: boolean;
}

/**
 * A cloud for one test file: an empty Redis database and a MySQL database of its own with the tables of schema.sql.
 * Each store has its own port, so that one can be closed. `stop()` drops the MySQL database.
 */
export async function openCloud({ schema = true, ...options }: CloudOptions = {}): Promise<CloudProxy> {
  const servers = inject('cloudServers');
  const number = await nextNumber(servers.redis.url);
  const proxy = await startProxy({
    ...options,
    servers,
    redisDatabase: number.redisDatabase,
    databaseName: `test_${inject('cloudRun')}_${number.count}`,
  });
  await proxy.redis.flushdb();
  if (schema && existsSync(SCHEMA_FILE)) await applySqlFile(proxy, SCHEMA_FILE);
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop();
      // An open transaction, ended just now, would have held it up.
      await dropDatabase(servers.mysql, proxy.databaseName);
    },
  };
}

async function nextNumber(redisUrl: string): Promise<{ count: number; redisDatabase: number }> {
  const redis = await connectRedis(redisUrl, 0);
  try {
    const count = await redis.incr(COUNTER_KEY);
    const [, databases = '16'] = await redis.config('GET', 'databases');
    // The server of REDIS_URL may have few databases: they are used again, in turn.
    return { count, redisDatabase: 1 + ((count - 1) % (Number(databases) - 1)) };
  } finally {
    redis.disconnect();
  }
}
