import { storeUnavailable } from '../errors.ts';
import { base64Url, hmacSha256 } from '../lib/hash.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { ATTEMPT_SECONDS, countersOf, type Attempt, type Throttle } from './throttle.ts';

/**
 * KEYS: attempt, then its counters. ARGV: lifetime of the attempt in seconds, then limit and window in seconds of
 * each counter. Returns {0} if counted; if not, {1, ms until the fullest window ends, 1 for the first time in it}.
 * The attempt's key makes a retry count once, and an attempt that was released meanwhile not at all. It is written last:
 * if a command is refused halfway, a retry counts too much rather than too little.
 */
const RESERVE = /* lua */ `#!lua flags=allow-key-locking
if redis.call('EXISTS', KEYS[1]) == 1 then return {0} end
local left_ms, full = 0, nil
for i = 2, #KEYS do
  local failures = tonumber(redis.call('HGET', KEYS[i], 'failures') or 0)
  if failures >= tonumber(ARGV[2 * i - 2]) then
    local window_ms = redis.call('PTTL', KEYS[i])
    if window_ms > left_ms then left_ms, full = window_ms, KEYS[i] end
  end
end
if full then
  -- Names the attempt whose refusal is recorded, so that a retry after a lost reply gets the same result.
  redis.call('HSETNX', full, 'refused', KEYS[1])
  return {1, left_ms, redis.call('HGET', full, 'refused') == KEYS[1] and 1 or 0}
end
for i = 2, #KEYS do
  if redis.call('HINCRBY', KEYS[i], 'failures', 1) == 1 then
    redis.call('EXPIRE', KEYS[i], ARGV[2 * i - 1])
    redis.call('HDEL', KEYS[i], 'refused')
  end
end
redis.call('SET', KEYS[1], 'counted', 'EX', ARGV[1])
return {0}`;

/**
 * KEYS: as above. ARGV: lifetime of the attempt in seconds, its outcome ('success' or 'released'), how many of the
 * counters to clear. Returns 1.
 */
const SETTLE = /* lua */ `#!lua flags=allow-key-locking
local state = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
if state == 'counted' then
  for i = 2, #KEYS do
    if tonumber(redis.call('HGET', KEYS[i], 'failures') or 0) > 0 then
      redis.call('HINCRBY', KEYS[i], 'failures', -1)
    end
  end
  for i = 2, 1 + tonumber(ARGV[3]) do redis.call('DEL', KEYS[i]) end
end
return 1`;

/**
 * Counters in Redis: `throttle:...` hashes with a TTL to the end of their window. Names are hashed with the key: people
 * type passwords there, which a plain hash would let a reader of Redis guess. Under a new key, counting starts afresh.
 */
export function redisThrottle(redis: RedisClient, secretKey: string): Throttle {
  const openAttempt = (attempt: Attempt) => {
    const account = base64Url(hmacSha256(secretKey, `throttle\n${attempt.username}`));
    const counters = countersOf(attempt, account);
    return {
      counters,
      keys: [`throttle:attempt:${attempt.attemptId}`, ...counters.map(({ name }) => `throttle:${name}`)],
    };
  };
  const settle = async (attempt: Attempt, outcome: 'success' | 'released'): Promise<void> => {
    const { counters, keys } = openAttempt(attempt);
    const cleared = outcome === 'success' && counters[0]?.isClearedBySuccess === true ? '1' : '0';
    await redis.eval(SETTLE, keys, [String(ATTEMPT_SECONDS), outcome, cleared]);
  };
  return {
    async reserve(attempt) {
      const { counters, keys } = openAttempt(attempt);
      const limits = counters.flatMap(({ limit }) => [String(limit.failures), String(limit.windowSeconds)]);
      const reply = await redis.eval(RESERVE, keys, [String(ATTEMPT_SECONDS), ...limits]);
      const [refused, leftMs, first] = Array.isArray(reply) ? (reply as unknown[]) : [];
      if (refused === 0) return { status: 'allowed' };
      if (refused !== 1 || typeof leftMs !== 'number') throw storeUnavailable('redis', 'protocol');
      return {
        status: 'throttled',
        retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
        firstInWindow: first === 1,
      };
    },
    succeed: (attempt) => settle(attempt, 'success'),
    release: (attempt) => settle(attempt, 'released'),
  };
}
