import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { decodeSession } from '../../src/session/record.ts';
import { isExpired } from '../../src/session/rules.ts';
import { INDEX_KEY_PREFIX, SESSION_KEY_PREFIX } from '../../src/session/redis-keys.ts';

/** All keys and values, as one text to search. */
export async function everythingIn(redis: Redis): Promise<string> {
  const parts: unknown[] = [];
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const value =
      type === 'hash'
        ? await redis.hgetall(key)
        : type === 'stream'
          ? await redis.xrange(key, '-', '+')
          : type === 'set'
            ? await redis.smembers(key)
            : await redis.get(key);
    parts.push([key, value]);
  }
  return JSON.stringify(parts);
}

/** Each open session is in its user's index, under its id; each entry of an index is an open session. */
export async function expectIndexesAgree(redis: Redis, nowMs: number): Promise<void> {
  const open: string[] = [];
  for (const key of await redis.keys(`${SESSION_KEY_PREFIX}*`)) {
    const session = decodeSession((await redis.get(key)) ?? '');
    if (session === null || isExpired(session, nowMs)) continue;
    open.push(`${session.userId} ${session.id} ${key.slice(SESSION_KEY_PREFIX.length)}`);
  }
  const listed: string[] = [];
  for (const key of await redis.keys(`${INDEX_KEY_PREFIX}*`)) {
    const userId = key.slice(INDEX_KEY_PREFIX.length);
    for (const [sessionId, hash] of Object.entries(await redis.hgetall(key)))
      listed.push(`${userId} ${sessionId} ${hash}`);
  }
  expect(listed.sort()).toEqual(open.sort());
}
