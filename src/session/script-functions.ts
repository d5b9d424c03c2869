import { EVENT_VERSION } from '../activity/activity-encoding.ts';
import { QUEUE_EVENT } from '../activity/redis-webhook-queue.ts';
import {
  ENDED_KEY_PREFIX,
  ENDS_KEY_PREFIX,
  INDEX_KEY_PREFIX,
  OLDEST_ENDS_KEY,
  SESSION_KEY_PREFIX,
} from './redis-keys.ts';

// Lua functions that the scripts on sessions share. A script is a text, so each includes the ones it uses. `operation` is the
// JSON in ARGV[1], with times in Unix ms.

/**
 * Reads a record; record.ts says what each position means. Nil: no session. A session of a later version has no
 * ends_at, so it is never open, but it can be ended.
 */
export const READ_SESSION = /* lua */ `
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
  session.client = {ip = record[11] or '', userAgent = record[12] or '', country = record[13] or ''}
  return session
end
`;

/** A session that was found is `{key, ended_key, raw, session}`: its record's and its tombstone's key, and the record. */
export const FIND_SESSIONS = /* lua */ `${READ_SESSION}
local operation = cjson.decode(ARGV[1])

local function index_key(user_id) return '${INDEX_KEY_PREFIX}' .. user_id end
local function has_expired(session) return session.ends_at ~= nil and operation.now >= session.ends_at end
local function is_open(session) return session.ends_at ~= nil and operation.now < session.ends_at end
local function is_kind(session, kind) return kind == '' or session.kind == kind end

local function find(key, ended_key)
  local raw = redis.call('GET', key)
  local session = raw and read_session(raw)
  return session and {key = key, ended_key = ended_key, raw = raw, session = session} or nil
end

-- What a user's index lists under a session id, expired or not. A damaged record counts: the index says whose it is. Nil:
-- nothing is there any more, and the index drops it.
local function find_listed(user_id, id, hash)
  local key = '${SESSION_KEY_PREFIX}' .. hash
  local raw = redis.call('GET', key)
  local session = raw and (read_session(raw) or {id = id, user_id = user_id})
  if session and session.id == id then
    return {key = key, ended_key = '${ENDED_KEY_PREFIX}' .. hash, raw = raw, session = session}
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

/**
 * Deletes a record and leaves its tombstone: to its absolute end or, if that can't be read, for as long as the record
 * would have been there. by: when it ended, from which address and, if not to its absolute end, how long to remember
 * it.
 */
export const REMOVE_RECORD = /* lua */ `
local function remove_record(found, reason, by)
  local session = found.session
  local left_ms = redis.call('PTTL', found.key)
  redis.call('DEL', found.key)
  local tombstone = cjson.encode({1, session.id, session.user_id, reason, by.now, by.ip})
  local gone_at = by.gone_at or session.expires_at
    or by.now + (left_ms > 0 and left_ms or operation.tombstoneSeconds * 1000)
  redis.pcall('SET', found.ended_key, tombstone, 'PXAT', string.format('%.0f', gone_at))
end
`;

/** For scripts whose KEYS end with those of the offered tokens: a record and a tombstone each. */
export const FIND_OWN = /* lua */ `
local function is_newer(a, b)
  if a.created_at ~= b.created_at then return a.created_at > b.created_at end
  return a.id > b.id
end
local function find_offered(first, kind)
  local offered = {}
  for i = first, #KEYS, 2 do
    local found = find(KEYS[i], KEYS[i + 1])
    if found and is_kind(found.session, kind) and is_open(found.session) then
      found.position = (i - first) / 2 + 1
      offered[#offered + 1] = found
    end
  end
  return offered
end
-- The session that counts among them: the newest of the first count tokens, if all are one user's. chooseSession in
-- record.ts is the same rule.
local function choose_own(offered, count)
  local own
  for _, found in ipairs(offered) do
    if found.session.user_id ~= offered[1].session.user_id then return nil end
    if found.position <= count and (not own or is_newer(found.session, own.session)) then own = found end
  end
  return own
end
local function find_own(first, kind) return choose_own(find_offered(first, kind), #KEYS) end
local function offered_from(first) return redis.call('MGET', unpack(KEYS, first)) end
`;

/**
 * Adds a token's hash to the minute in which its session will end, for the cron. What the cron is done with is no
 * minute to come. Returns whether it is there.
 */
export const NOTE_END = /* lua */ `
local function note_end(hash, ends_at)
  local oldest = tonumber(redis.call('GET', '${OLDEST_ENDS_KEY}') or 0)
  local minute = math.max(math.floor(ends_at / 60000), oldest)
  local key = '${ENDS_KEY_PREFIX}' .. string.format('%.0f', minute)
  if type(redis.pcall('SADD', key, hash)) == 'table' then return false end
  redis.pcall('EXPIREAT', key, string.format('%.0f', (minute + 1) * 60 + operation.expiredKeptSeconds))
  return true
end
`;

/** Whether a tombstone is that of a session which this user, or an operator, ended on purpose. */
export const WAS_SIGNED_OUT = /* lua */ `
local function was_signed_out(tombstone, user_id)
  local ok, ended = pcall(cjson.decode, tombstone)
  if not ok or type(ended) ~= 'table' or ended[3] ~= user_id then return false end
  local reasons = {logout = 1, logout_others = 1, logout_all = 1, revoked = 1, password_changed = 1, admin = 1}
  return reasons[ended[4]] ~= nil
end
`;

/**
 * For scripts whose KEYS[1] is the outbox and KEYS[2] the set of unrecorded events. They collect their log-outs in
 * `logouts` as {entry id, event, its ids in receivers' queues}; the entry's id is empty if the outbox rejected the event.
 * Without receivers the last is left out.
 */
export const END_SESSION = /* lua */ `${FIND_SESSIONS}${REMOVE_RECORD}${QUEUE_EVENT}
local logouts = {}

-- A UUIDv7 whose random bits come from the session's id: when an operation is repeated after half of it was done, the
-- event of a session has the same id again, and so makes the same row. by: when it ended and who ended it.
local function new_event(session, reason, by)
  local time = string.format('%012x', by.now)
  local bits = redis.sha1hex(session.id)
  local id = string.sub(time, 1, 8) .. '-' .. string.sub(time, 9) .. '-7' .. string.sub(bits, 1, 3)
    .. '-8' .. string.sub(bits, 4, 6) .. '-' .. string.sub(bits, 7, 18)
  local event = cjson.encode({
    v = ${EVENT_VERSION}, type = 'logout', id = id, userId = session.user_id, username = session.username or '',
    sessionId = session.id, reason = reason, at = by.now,
    ip = by.ip, userAgent = by.userAgent, country = by.country,
  })
  return event, id
end

local function try_add(event)
  local entry = redis.pcall('XADD', KEYS[1], '*', 'event', event)
  return type(entry) == 'string' and entry or nil
end

local function remove(found, reason, by)
  remove_record(found, reason, by)
  redis.pcall('HDEL', index_key(found.session.user_id), found.session.id)
end

-- A full Redis rejects XADD but not DEL. The session must end either way; the caller then writes the row itself. Most of
-- what follows a DEL is allowed again, so the event is tried once more.
local function end_by(found, reason, by)
  local event, id = new_event(found.session, reason, by)
  local entry = try_add(event)
  remove(found, reason, by)
  entry = entry or try_add(event)
  if not entry then redis.pcall('SADD', KEYS[2], id) end
  logouts[#logouts + 1] = {entry or '', event, queue_event('end', event)}
end

-- Why a session has expired, when, and who had signed in.
local function expiry_of(session)
  local reason = session.ends_at < session.expires_at and 'expired_idle' or 'expired_absolute'
  return reason, {
    now = session.ends_at, gone_at = session.ends_at + operation.expiredKeptSeconds * 1000,
    ip = session.client.ip, userAgent = session.client.userAgent, country = session.client.country,
  }
end

-- A session that has expired meanwhile ends as such, and is none of the operation's log-outs: a refresh under way must not
-- revive what is said to be over. If the outbox rejects its event, the cron comes back to it; a full Redis takes no refresh.
local function end_session(found, reason)
  if not has_expired(found.session) then return end_by(found, reason, operation) end
  local why, by = expiry_of(found.session)
  local event = new_event(found.session, why, by)
  if not try_add(event) then return end
  remove(found, why, by)
  queue_event('end', event)
end

-- Those of a later version and damaged ones end as well: they may be open elsewhere. What began at keep_from or later stays.
local function end_all_listed(user_id, username, reason, keep_key, keep_from)
  for _, found in ipairs(find_all_listed(user_id)) do
    found.session.username = found.session.username or username
    local is_new = keep_from and (found.session.created_at or 0) >= keep_from
    if found.key ~= keep_key and not is_new then end_session(found, reason) end
  end
end

-- From now on a start is refused if its password was checked earlier. A later cutoff stays: an operator set it, or a
-- password change that was faster. A full Redis may reject it, but then it starts no session either.
local function set_cutoff(key)
  local previous = tonumber(redis.call('GET', key) or 0)
  redis.pcall('SET', key, string.format('%.0f', math.max(operation.now, previous)), 'EX', operation.cutoffSeconds)
end
`;

/** For scripts whose KEYS[3] is the operation's receipt: a retry after a lost reply gets the first reply again. */
export const WITH_RECEIPT = /* lua */ `
local receipt = redis.call('GET', KEYS[3])
if receipt then return cjson.decode(receipt) end
-- Without a receipt, a retry finds that its session has ended: the rows are right all the same.
local function reply(result)
  redis.pcall('SET', KEYS[3], cjson.encode(result), 'EX', operation.receiptSeconds)
  return result
end
-- Where nothing was ended, a retry would find the same.
local function reply_if_ended(result) return #logouts > 0 and reply(result) or result end
`;
