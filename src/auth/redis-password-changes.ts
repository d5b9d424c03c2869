import { storeUnavailable } from '../errors.ts';
import { PASSWORD_CHANGES_KEY, recordKey } from '../session/redis-keys.ts';
import { READ_SESSION } from '../session/script-functions.ts';
import type { RedisClient } from '../store/redis-client.ts';
import type { PasswordChange, PasswordChanges } from './password-changes.ts';

/** KEYS: password changes, the credential's record. ARGV: hash of its token, change. Returns the change, or false. */
const BEGIN = /* lua */ `#!lua flags=allow-key-locking
${READ_SESSION}
local raw = redis.call('GET', KEYS[2])
if not raw or not read_session(raw) then return false end
local change = cjson.decode(ARGV[2])
local earlier = redis.call('HGET', KEYS[1], ARGV[1])
if earlier then change.salt = cjson.decode(earlier).salt end
local text = cjson.encode(change)
redis.call('HSET', KEYS[1], ARGV[1], text)
return text`;

/** KEYS: password changes. ARGV: Unix ms, limit. Returns {change...}. */
const FIND_STARTED_BEFORE = /* lua */ `#!lua flags=allow-key-locking
local found = {}
for _, text in ipairs(redis.call('HVALS', KEYS[1])) do
  if #found == tonumber(ARGV[2]) then break end
  if cjson.decode(text).startedAtMs < tonumber(ARGV[1]) then found[#found + 1] = text end
end
return found`;

/** KEYS: password changes. ARGV: hash of the credential's token, Unix ms of the change's start. Returns 1. */
const DROP = /* lua */ `#!lua flags=allow-key-locking
local text = redis.call('HGET', KEYS[1], ARGV[1])
if text and cjson.decode(text).startedAtMs == tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1`;

/** Password changes in Redis: a hash of JSON texts, by the token hash of the credential. */
export function redisPasswordChanges(redis: RedisClient): PasswordChanges {
  return {
    async begin(change) {
      const keys = [PASSWORD_CHANGES_KEY, recordKey(change.tokenHash)];
      const reply = await redis.eval(BEGIN, keys, [change.tokenHash, JSON.stringify(change)]);
      return reply === null ? null : parseChange(reply);
    },

    async findStartedBefore(ms, limit) {
      const reply = await redis.eval(
        FIND_STARTED_BEFORE,
        [PASSWORD_CHANGES_KEY],
        [String(ms), String(limit)],
      );
      if (!Array.isArray(reply)) throw storeUnavailable('redis', 'protocol');
      return reply.map(parseChange);
    },

    async drop({ tokenHash, startedAtMs }) {
      await redis.eval(DROP, [PASSWORD_CHANGES_KEY], [tokenHash, String(startedAtMs)]);
    },
  };
}

/** Only `BEGIN` writes them. */
function parseChange(text: unknown): PasswordChange {
  if (typeof text !== 'string') throw storeUnavailable('redis', 'protocol');
  return JSON.parse(text) as PasswordChange;
}
