import { INDEX_KEY_PREFIX, SESSION_KEY_PREFIX } from '../../../src/session/redis-keys.ts';
import { EXPIRED_KEPT_SECONDS } from '../../../src/session/session-store.ts';
import { END_SESSION, READ_SESSION, WITH_RECEIPT } from '../../../src/session/script-functions.ts';

/** KEYS: user's index. ARGV: session id, or empty for all. Returns {token hash, raw record, token hash, raw record...}. */
export const READ_INDEX = /* lua */ `
local found = {}
local function add(hash)
  local raw = hash and redis.call('GET', '${SESSION_KEY_PREFIX}' .. hash)
  if raw then
    found[#found + 1] = hash
    found[#found + 1] = raw
  end
end
if ARGV[1] == '' then
  for _, hash in ipairs(redis.call('HVALS', KEYS[1])) do add(hash) end
else
  add(redis.call('HGET', KEYS[1], ARGV[1]))
end
return found`;

/** KEYS: indexes. ARGV: session id. Returns the key of the one that lists it, or false. */
export const FIND_INDEX = /* lua */ `#!lua flags=allow-key-locking,allow-oom
for _, key in ipairs(KEYS) do
  if redis.call('HEXISTS', key, ARGV[1]) == 1 then return key end
end
return false`;

/** KEYS: outbox, unrecorded, receipt, user's index. ARGV: operation, user id, reason. Returns {{entry id, event}...}. */
export const END_UNREADABLE = /* lua */ `${END_SESSION}${WITH_RECEIPT}
for _, found in ipairs(find_all_listed(ARGV[2])) do
  if not found.session.ends_at then end_session(found, ARGV[3]) end
end
return reply_if_ended(logouts)`;

const NOW = /* lua */ `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)`;

/** Returns Unix ms. */
export const READ_CLOCK = /* lua */ `#!lua flags=allow-key-locking,allow-oom
${NOW}
return now`;

/** KEYS: cutoff. ARGV: its lifetime in seconds, ms to add to now. A later cutoff stays. Returns 1. */
export const SET_CUTOFF = /* lua */ `#!lua flags=allow-key-locking
${NOW}
local previous = tonumber(redis.call('GET', KEYS[1]) or 0)
redis.call('SET', KEYS[1], string.format('%.0f', math.max(now + ARGV[2], previous)), 'EX', ARGV[1])
return 1`;

/** An index may expire this much before its last session: the two are written one after the other. */
const EXPIRY_SLACK_MS = 2000;

/**
 * KEYS: records and indexes. ARGV: {now, repair} as JSON.
 * Returns {open, listed, expired, faults}; a fault is {kind, user id, session id, 1 if repaired}.
 */
export const CHECK_INDEX = /* lua */ `${READ_SESSION}
local options = cjson.decode(ARGV[1])
local open, listed, expired, faults = 0, 0, 0, {}

local function fault(kind, user_id, session_id, repair)
  if options.repair and repair then repair() end
  faults[#faults + 1] = {kind, user_id, session_id, (options.repair and repair) and 1 or 0}
end

local function check_record(key)
  local raw = redis.call('GET', key)
  if not raw then return end
  local session = read_session(raw)
  if not session then return fault('unreadable', '', '') end
  if not session.ends_at then return fault('unreadable', session.user_id, session.id) end
  if redis.call('PTTL', key) == -1 then
    fault('no_expiry', session.user_id, session.id, function()
      -- Never in the past: what expired waits for the cron to record its end.
      local from = math.max(session.ends_at, options.now)
      redis.call('PEXPIREAT', key, string.format('%.0f', from + ${EXPIRED_KEPT_SECONDS * 1000}))
    end)
  end
  if options.now >= session.ends_at then return end
  open = open + 1
  local index = '${INDEX_KEY_PREFIX}' .. session.user_id
  local hash = string.sub(key, ${SESSION_KEY_PREFIX.length + 1})
  if redis.call('HGET', index, session.id) ~= hash then
    fault('unlisted', session.user_id, session.id, function() redis.call('HSET', index, session.id, hash) end)
    if not options.repair then return end
  end
  local left = redis.call('PTTL', index)
  if left >= 0 and left + ${EXPIRY_SLACK_MS} < session.expires_at - options.now then
    fault('index_expires_early', session.user_id, session.id, function()
      redis.call('PEXPIREAT', index, session.expires_at)
    end)
  elseif left == -1 and options.repair then
    redis.call('PEXPIREAT', index, session.expires_at)
  end
end

local function check_index(key)
  local user_id = string.sub(key, ${INDEX_KEY_PREFIX.length + 1})
  local entries = redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local id = entries[i]
    local function drop() redis.call('HDEL', key, id) end
    local raw = redis.call('GET', '${SESSION_KEY_PREFIX}' .. entries[i + 1])
    local session = raw and read_session(raw)
    if not raw then
      expired = expired + 1
      if options.repair then drop() end
    elseif session and (session.id ~= id or session.user_id ~= user_id) then
      fault('mismatched', user_id, id, drop)
    elseif session and session.ends_at and options.now >= session.ends_at then
      -- It stays listed until the cron has recorded its end: a refresh under way may still prolong it.
      expired = expired + 1
    elseif not session or not session.ends_at then
      -- It stays listed: otherwise no one could end it.
      fault('unreadable', user_id, id)
    else
      listed = listed + 1
    end
  end
end

for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then check_record(key) elseif kind == 'hash' then check_index(key) end
end
return {open, listed, expired, faults}`;
