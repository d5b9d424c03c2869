import type { Redis } from 'ioredis';
import { directRedis, seedSessions } from './seed.ts';

/** What a session takes of Redis's memory: record, expiry, its part of the user's index, hash tables. */
export interface SessionMemory {
  sessionsPerUser: number;
  bytesPerSession: number;
}

/** Starts so many sessions through the service's own adapter and looks at how much Redis's memory grew. */
export async function measureMemory(
  redis: Redis,
  sessions: number,
  sessionsPerUser: number,
): Promise<SessionMemory> {
  await redis.flushdb();
  const before = await dataBytes(redis);
  const users = Array.from({ length: sessions }, (_, i) => Math.floor(i / sessionsPerUser));
  await seedSessions(directRedis(redis), users, 'cookie');
  const grown = (await dataBytes(redis)) - before;
  await redis.flushdb();
  return { sessionsPerUser, bytesPerSession: Math.round(grown / sessions) };
}

/** `used_memory` without what clients and the append-only file use just now. */
export async function dataBytes(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  const read = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return read('used_memory') - read('mem_clients_normal') - read('mem_aof_buffer');
}
