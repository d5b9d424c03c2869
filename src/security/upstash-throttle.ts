import { base64Url } from '../session/token.ts';
import { sha256 } from '../sha256.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import type { RedisClient } from '../store/upstash-client.ts';
import {
  ACCOUNT_LIMIT,
  ACCOUNT_NETWORK_LIMIT,
  ATTEMPT_SECONDS,
  NETWORK_LIMIT,
  type Attempt,
  type Throttle,
} from './throttle.ts';

/**
 * KEYS: attempt, then counters. ARGV: attempt's life in seconds, then limit and window in seconds of each counter.
 * Answers {0} if counted, {1, ms until the fullest window ends, 1 the first time in that window} if not.
 * `SET NX` on the attempt makes a repetition count once, and an attempt that was released meanwhile not at all.
 */
const RESERVE_SCRIPT = `#!lua flags=allow-key-locking
if redis.call('EXISTS', KEYS[1]) == 1 then return {0} end
local wait, full = 0, nil
for i = 2, 4 do
  local count = tonumber(redis.call('HGET', KEYS[i], 'failures') or 0)
  if count >= tonumber(ARGV[2 * i - 2]) then
    local left = redis.call('PTTL', KEYS[i])
    if left > wait then wait, full = left, KEYS[i] end
  end
end
if full then
  -- Whose refusal is told, by attempt: a repetition after a lost answer is told the same.
  redis.call('HSETNX', full, 'refused', KEYS[1])
  return {1, wait, redis.call('HGET', full, 'refused') == KEYS[1] and 1 or 0}
end
redis.call('SET', KEYS[1], 'counted', 'EX', ARGV[1])
for i = 2, 4 do
  if redis.call('HINCRBY', KEYS[i], 'failures', 1) == 1 then
    redis.call('EXPIRE', KEYS[i], ARGV[2 * i - 1])
    redis.call('HDEL', KEYS[i], 'refused')
  end
end
return {0}`;

/** KEYS: attempt, then counters. ARGV: attempt's life in seconds, what it ends as ('success' or 'released'). */
const SETTLE_SCRIPT = `#!lua flags=allow-key-locking
local state = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
if state == 'counted' then
  for i = 2, 4 do
    if tonumber(redis.call('HGET', KEYS[i], 'failures') or 0) > 0 then
      redis.call('HINCRBY', KEYS[i], 'failures', -1)
    end
  end
  if ARGV[2] == 'success' then redis.call('DEL', KEYS[2]) end
end
return 1`;

const LIMITS = [ACCOUNT_NETWORK_LIMIT, ACCOUNT_LIMIT, NETWORK_LIMIT];

/**
 * Failure counters in Redis: `throttle:{what}` hashes with a TTL to the end of their window. Names are hashed,
 * as people type passwords into the name field.
 */
export function upstashThrottle(redis: RedisClient): Throttle {
  const settle = async (attempt: Attempt, outcome: 'success' | 'released'): Promise<void> => {
    await redis.eval(SETTLE_SCRIPT, keysOf(attempt), [String(ATTEMPT_SECONDS), outcome]);
  };
  return {
    async reserve(attempt) {
      const limits = LIMITS.flatMap((limit) => [String(limit.failures), String(limit.windowSeconds)]);
      const keys = keysOf(attempt);
      const answer = await redis.eval(RESERVE_SCRIPT, keys, [String(ATTEMPT_SECONDS), ...limits]);
      const [refused, waitMs, first] = Array.isArray(answer) ? (answer as unknown[]) : [];
      if (refused === 0) return { status: 'allowed' };
      if (refused !== 1 || typeof waitMs !== 'number') throw new StoreUnavailableError('redis', 'protocol');
      return {
        status: 'throttled',
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
        firstInWindow: first === 1,
      };
    },
    succeed: (attempt) => settle(attempt, 'success'),
    release: (attempt) => settle(attempt, 'released'),
  };
}

function keysOf({ attemptId, username, network }: Attempt): string[] {
  const account = base64Url(sha256(new TextEncoder().encode(username)));
  return [
    `throttle:attempt:${attemptId}`,
    `throttle:account-network:${account}:${network}`,
    `throttle:account:${account}`,
    `throttle:network:${network}`,
  ];
}
