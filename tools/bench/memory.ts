import type { Redis } from 'ioredis';
import { directRedis, seedSessions } from './seed.ts';

export const MEMORY_SESSIONS = 100_000;

/** What a session takes of Redis's memory: record, expiry, its part of the user's index, hash tables. */
export interface SessionMemory {
  sessionsPerUser: number;
  bytesPerSession: number;
}

/** Starts 100,000 sessions through the service's own adapter and looks at what Redis's memory grew by. */
export async function measureMemory(redis: Redis, sessionsPerUser: number): Promise<SessionMemory> {
  await redis.flushdb();
  const before = await dataBytes(redis);
  const people = Array.from({ length: MEMORY_SESSIONS }, (_, i) => Math.floor(i / sessionsPerUser));
  await seedSessions(directRedis(redis), people, 'cookie');
  const grown = (await dataBytes(redis)) - before;
  await redis.flushdb();
  return { sessionsPerUser, bytesPerSession: Math.round(grown / MEMORY_SESSIONS) };
}

/** `used_memory` without what clients and the append-only file use just now. */
async function dataBytes(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  const read = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return read('used_memory') - read('mem_clients_normal') - read('mem_aof_buffer');
}
