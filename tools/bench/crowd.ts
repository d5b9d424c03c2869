import type { Redis } from 'ioredis';
import { encodeSession } from '../../src/session/record.ts';
import type { Session } from '../../src/session/session.ts';
import type { SessionId, UserId } from '../../src/lib/ids.ts';
import { sessionOf } from './seed.ts';

const BATCH = 20_000;
/** Above the ids of everybody else in the benchmark. */
const FIRST_USER = 10_000_000;

/**
 * ARGV: first number, count, record with the words SESSION and PERSON, its end in Unix ms, first user. Two sessions
 * a user, under keys of the form and length that the service's have.
 */
const CROWD_SCRIPT = `
for i = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1 do
  local digest = redis.sha1hex('crowd' .. i)
  local hash = digest .. 'abc'
  local id = string.sub(digest, 1, 26)
  local user = string.format('%d', tonumber(ARGV[5]) + math.floor(i / 2))
  local record = string.gsub(string.gsub(ARGV[3], 'SESSION', id), 'PERSON', user)
  redis.call('SET', 'session:' .. hash, record, 'PXAT', ARGV[4])
  local index = 'user-sessions:' .. user
  redis.call('HSET', index, id, hash)
  redis.call('PEXPIREAT', index, ARGV[4])
end
return 1`;

/** Fills Redis with sessions of others; one by one through the adapter a million would take minutes. */
export async function addCrowd(redis: Redis, sessions: number): Promise<void> {
  const model: Session = {
    ...sessionOf(0, 'cookie'),
    id: 'SESSION' as SessionId,
    userId: 'PERSON' as UserId,
  };
  for (let first = 0; first < sessions; first += BATCH) {
    const count = Math.min(BATCH, sessions - first);
    await redis.eval(
      CROWD_SCRIPT,
      0,
      String(first),
      String(count),
      encodeSession(model),
      String(model.expiresAtMs),
      String(FIRST_USER),
    );
  }
}
