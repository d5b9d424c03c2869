import { storeUnavailable } from '../errors.ts';
import { PASSWORD_CHANGES_KEY, recordKey } from '../session/redis-keys.ts';
import { READ_SESSION } from '../session/script-functions.ts';
import type { RedisClient } from '../store/redis-client.ts';
import type { PasswordChange, PasswordChanges } from './password-changes.ts';

/** A change as a Lua table; nil if it can't be read. */
const READ_CHANGE = /* lua */ `
local function read_change(text)
  local ok, change = pcall(cjson.decode, text)
  return ok and type(change) == 'table' and type(change.startedAtMs) == 'number' and change or nil
end`;

/** KEYS: password changes, the credential's record. ARGV: hash of its token, change. Returns the change, or false. */
const BEGIN = /* lua */ `#!lua flags=allow-key-locking
${READ_SESSION}${READ_CHANGE}
local change = cjson.decode(ARGV[2])
local raw = redis.call('GET', KEYS[2])
local session = raw and read_session(raw)
if not session or not session.ends_at or change.startedAtMs >= session.ends_at then return false end
local earlier = redis.call('HGET', KEYS[1], ARGV[1])
local read = earlier and read_change(earlier)
if read then change.salt = read.salt end
local text = cjson.encode(change)
redis.call('HSET', KEYS[1], ARGV[1], text)
return text`;

/** Skips what can't be read, as a later release may have written it. KEYS: password changes. ARGV: Unix ms, limit. Returns {change...}. */
const FIND_STARTED_BEFORE = /* lua */ `#!lua flags=allow-key-locking,allow-oom
${READ_CHANGE}
local found = {}
for _, text in ipairs(redis.call('HVALS', KEYS[1])) do
  if #found == tonumber(ARGV[2]) then break end
  local change = read_change(text)
  if change and change.startedAtMs < tonumber(ARGV[1]) then found[#found + 1] = text end
end
return found`;

/** KEYS: password changes. ARGV: hash of the credential's token, Unix ms of the change's start. Returns 1. */
const DROP = /* lua */ `#!lua flags=allow-key-locking,allow-oom
${READ_CHANGE}
local text = redis.call('HGET', KEYS[1], ARGV[1])
local change = text and read_change(text)
if change and change.startedAtMs == tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], ARGV[1]) end
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
