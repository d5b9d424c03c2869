import type { Redis } from 'ioredis';
import { endsKey } from '../../src/session/redis-keys.ts';
import { minuteOf } from '../../src/session/rules.ts';
import { EXPIRED_KEPT_SECONDS } from '../../src/session/session-store.ts';
import { directRedis, seedSessions } from './seed.ts';

const SESSIONS_PER_SCRIPT = 20_000;
/** Above every other user of the benchmark. */
const FIRST_USER = 10_000_000;

/**
 * Copies a session. ARGV: first number, count, the record, its session id, its user id, its expiry in Unix ms, the set of
 * the minute in which it ends. Two sessions a user, under keys of the same form and length.
 */
const CROWD_SCRIPT = `
local first, count, model, session, owner = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local ends, minute = ARGV[6], ARGV[7]
local function put(text, old, new)
  local at, to = string.find(text, old, 1, true)
  return string.sub(text, 1, at - 1) .. new .. string.sub(text, to + 1)
end
for i = first, first + count - 1 do
  local digest = redis.sha1hex('crowd' .. i)
  local hash = digest .. 'abc'
  local id = string.sub(digest, 1, #session)
  local user = string.format('%d', tonumber(owner) + 1 + math.floor(i / 2))
  redis.call('SET', 'session:' .. hash, put(put(model, session, id), owner, user), 'PXAT', ends)
  redis.call('HSET', 'user-sessions:' .. user, id, hash)
  redis.call('SADD', minute, hash)
  redis.call('PEXPIREAT', 'user-sessions:' .. user, ends)
end`;

/**
 * Fills Redis with sessions of other users, which all end in one minute. Through the adapter, one by one, a million would
 * take minutes. `beganAtMs`: when they began, in Unix ms. Returns the key of that minute's set.
 */
export async function addCrowd(redis: Redis, sessions: number, beganAtMs = Date.now()): Promise<string> {
  const [model] = await seedSessions(directRedis(redis), [FIRST_USER], 'cookie', beganAtMs);
  if (model === undefined) throw new Error('There is no session to copy');
  const { tokenHash, userId } = model;
  const record = (await redis.get(`session:${tokenHash}`)) ?? '';
  const [sessionId = ''] = await redis.hkeys(`user-sessions:${userId}`);
  const goneAtMs = Date.now() + (await redis.pttl(`session:${tokenHash}`));
  const minute = endsKey(minuteOf(goneAtMs - EXPIRED_KEPT_SECONDS * 1000));
  await redis.del(`session:${tokenHash}`, `user-sessions:${userId}`);
  for (let first = 0; first < sessions; first += SESSIONS_PER_SCRIPT) {
    const count = Math.min(SESSIONS_PER_SCRIPT, sessions - first);
    await redis.eval(CROWD_SCRIPT, 0, first, count, record, sessionId, userId, goneAtMs, minute);
  }
  // Last, as the set's TTL would go with its only member.
  await redis.srem(minute, tokenHash);
  return minute;
}
