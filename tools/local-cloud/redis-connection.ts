import { Redis } from 'ioredis';

/** A client for one logical database that fails at once, rather than wait or repeat, while Redis is down. */
export async function connectRedis(url: string, database: number): Promise<Redis> {
  const redis = new Redis(url, {
    db: database,
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
    disableClientInfo: true,
  });
  // Each failed command rejects; without a listener the client would print the error, too.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}
