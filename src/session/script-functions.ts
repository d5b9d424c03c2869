import { EVENT_VERSION } from '../activity/activity-encoding.ts';
import { INDEX_KEY_PREFIX, SESSION_KEY_PREFIX } from './redis-keys.ts';

// Lua functions that the scripts on sessions share. A script is a text, so each includes the ones it uses. `operation` is the
// JSON in ARGV[1], with times in Unix ms.

export const READ_SESSION = /* lua */ `
local function is_tombstone(raw) return string.sub(raw, 1, 4) == '[0,"' end

-- Reads a record; record.ts says what each position means. Nil: no session. A session of a later version has no ends_at,
-- so it is never open, but it can be ended.
local function read_session(raw)
  local ok, record = pcall(cjson.decode, raw)
  if not ok or type(record) ~= 'table' or type(record[1]) ~= 'number' or record[1] < 1 then return nil end
  for i = 2, 5 do if type(record[i]) ~= 'string' then return nil end end
  local session = {id = record[2], user_id = record[3], username = record[4], kind = record[5]}
  if record[1] > 1 then return session end
  for i = 7, 10 do if type(record[i]) ~= 'number' or record[i] % 1 ~= 0 then return nil end end
  session.created_at = record[7]
  session.last_seen_at = record[7] + record[8]
  session.expires_at = record[7] + record[9] * 1000
  session.ends_at = math.min(session.expires_at, session.last_seen_at + record[10] * 1000)
  return session
end
`;

export const FIND_SESSIONS = /* lua */ `${READ_SESSION}
local operation = cjson.decode(ARGV[1])

local function index_key(user_id) return '${INDEX_KEY_PREFIX}' .. user_id end
local function has_expired(session) return session.ends_at ~= nil and operation.now >= session.ends_at end
local function is_open(session) return session.ends_at ~= nil and operation.now < session.ends_at end
local function is_kind(session, kind) return kind == '' or session.kind == kind end

-- What a user's index lists under a session id: {key, raw, session}. A damaged record counts: the index says whose it is.
-- Nil: nothing, or what has ended or expired, which is dropped from the index.
local function find_listed(user_id, id, hash)
  local key = '${SESSION_KEY_PREFIX}' .. hash
  local raw = redis.call('GET', key)
  local session = raw and read_session(raw)
  if raw and not session and not is_tombstone(raw) then session = {id = id, user_id = user_id} end
  if session and session.id == id and not has_expired(session) then
    return {key = key, raw = raw, session = session}
  end
  redis.call('HDEL', index_key(user_id), id)
end

local function find_all_listed(user_id)
  local entries = redis.call('HGETALL', index_key(user_id))
  local found = {}
  for i = 1, #entries, 2 do found[#found + 1] = find_listed(user_id, entries[i], entries[i + 1]) end
  return found
end
`;

/** For scripts whose KEYS[1] is the outbox. They collect their log-outs in `logouts` as {entry id, event}. */
export const END_SESSION = /* lua */ `${FIND_SESSIONS}
local logouts = {}

-- A UUIDv7 whose random bits come from the session's id: when an operation is repeated after half of it was done, the
-- event of a session has the same id again, and so makes the same row.
local function event_id(session_id)
  local time = string.format('%012x', operation.now)
  local bits = redis.sha1hex(session_id)
  return string.sub(time, 1, 8) .. '-' .. string.sub(time, 9) .. '-7' .. string.sub(bits, 1, 3)
    .. '-8' .. string.sub(bits, 4, 6) .. '-' .. string.sub(bits, 7, 18)
end

local function leave_tombstone(key, session, reason)
  local tombstone = cjson.encode({0, session.id, session.user_id, reason, operation.now, operation.ip})
  redis.call('SET', key, tombstone, unpack(session.ends_at and {'PXAT', session.expires_at} or {'KEEPTTL'}))
end

-- The event comes first: Redis rolls nothing back, and if the outbox takes no more, the session must stay open.
local function end_session(key, session, reason)
  local event = cjson.encode({
    v = ${EVENT_VERSION}, type = 'logout', id = event_id(session.id), userId = session.user_id, username = session.username or '',
    sessionId = session.id, reason = reason, at = operation.now,
    ip = operation.ip, userAgent = operation.userAgent, country = operation.country,
  })
  logouts[#logouts + 1] = {redis.call('XADD', KEYS[1], '*', 'event', event), event}
  leave_tombstone(key, session, reason)
  redis.call('HDEL', index_key(session.user_id), session.id)
end

-- Those of a later version and damaged ones end as well: they may be open elsewhere.
local function end_all_listed(user_id, username, reason, keep_key)
  for _, listed in ipairs(find_all_listed(user_id)) do
    listed.session.username = listed.session.username or username
    if listed.key ~= keep_key then end_session(listed.key, listed.session, reason) end
  end
end

-- From now on a start is refused if its password was checked earlier. A later cutoff stays: an operator set it, or a
-- password change that was faster.
local function set_cutoff(key)
  local previous = tonumber(redis.call('GET', key) or 0)
  redis.call('SET', key, string.format('%.0f', math.max(operation.now, previous)), 'EX', operation.cutoffSeconds)
end
`;

/** For scripts whose KEYS[2] is the operation's receipt: a retry after a lost reply gets the first reply again. */
export const WITH_RECEIPT = /* lua */ `
local receipt = redis.call('GET', KEYS[2])
if receipt then return cjson.decode(receipt) end
local function reply(result)
  redis.call('SET', KEYS[2], cjson.encode(result), 'EX', operation.receiptSeconds)
  return result
end
`;
