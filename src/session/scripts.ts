import { SESSION_KEY_PREFIX } from './redis-keys.ts';
import { END_SESSION, FIND_SESSIONS, READ_SESSION, WITH_RECEIPT } from './script-functions.ts';

/**
 * The atomic steps on sessions, as Redis scripts: an end or a start and its outbox entry happen together or not at all,
 * and no other command runs in between. ARGV[1] is the operation as JSON; "raw" is a record as stored in Redis.
 *
 * Every key that the caller knows is in KEYS. (Upstash reads a key that is not declared and not in memory from disk, and
 * locks the whole database meanwhile.) Scripts that declare all their keys ask with `allow-key-locking` to lock only
 * those; the others find keys as they go, such as the index of a user whom only the record names.
 */

/** KEYS: record. ARGV: session id, new lastSeenAtMs, new record, its end in Unix ms. Returns 1, or 0 if nothing moved. */
export const REFRESH = /* lua */ `#!lua flags=allow-key-locking
${READ_SESSION}
local raw = redis.call('GET', KEYS[1])
local session = raw and read_session(raw)
if not session or session.id ~= ARGV[1] then return 0 end
if not session.ends_at or session.last_seen_at >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[4])
return 1`;

/**
 * KEYS: outbox, record, user's index, cutoff, then the records to replace, then the sign-in form's key, if there is one.
 * ARGV: operation, new record, its end in Unix ms, login event, limit of sessions, how many records to replace, how many
 * seconds a form is remembered.
 * Returns {'started', {{entry id, event}...}, the login's entry id}, or {'superseded'}. A retry finds its own record,
 * changes nothing and reports no entries: they are in the outbox.
 */
export const START = /* lua */ `${END_SESSION}
local session = read_session(ARGV[2])
local raw = redis.call('GET', KEYS[2])
if raw then
  local existing = read_session(raw)
  if existing and existing.id == session.id then return {'started', {}, false} end
  return {'superseded'}
end
if tonumber(redis.call('GET', KEYS[4]) or 0) > operation.checkedFrom then return {'superseded'} end

local hash = string.sub(KEYS[2], ${SESSION_KEY_PREFIX.length + 1})
local form_key = KEYS[5 + tonumber(ARGV[6])]
for i = 5, 4 + tonumber(ARGV[6]) do
  local raw_replaced = redis.call('GET', KEYS[i])
  local replaced = raw_replaced and read_session(raw_replaced)
  if replaced and is_kind(replaced, 'c') and not has_expired(replaced) then
    end_session(KEYS[i], replaced, 'replaced')
  end
end

-- The same form sent twice by the same user: no browser keeps the first one's session.
if form_key then
  local key = '${SESSION_KEY_PREFIX}' .. (redis.call('GET', form_key) or '')
  local raw_first = redis.call('GET', key)
  local first = raw_first and read_session(raw_first)
  if first and first.user_id == session.user_id and is_open(first) then end_session(key, first, 'replaced') end
end

local open = {}
for _, listed in ipairs(find_all_listed(session.user_id)) do
  if is_open(listed.session) then open[#open + 1] = listed end
end
local limit = tonumber(ARGV[5])
if limit > 0 and #open >= limit then
  table.sort(open, function(a, b)
    if a.session.created_at ~= b.session.created_at then return a.session.created_at < b.session.created_at end
    return a.session.id < b.session.id
  end)
  for i = 1, #open - limit + 1 do end_session(open[i].key, open[i].session, 'evicted') end
end

-- The event first, for the same reason as in end_session.
local login_entry = redis.call('XADD', KEYS[1], '*', 'event', ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
redis.call('HSET', KEYS[3], session.id, hash)
if form_key then redis.call('SET', form_key, hash, 'EX', ARGV[7]) end
if redis.call('PTTL', KEYS[3]) < session.expires_at - operation.now then
  redis.call('PEXPIREAT', KEYS[3], session.expires_at)
end
return {'started', logouts, login_entry}`;

/** KEYS: record, user's index. ARGV: session id, tombstone, its lifetime in seconds. Returns 1. */
export const ABANDON = /* lua */ `#!lua flags=allow-key-locking
${READ_SESSION}
local raw = redis.call('GET', KEYS[1])
local session = raw and read_session(raw)
if not raw or session and session.id == ARGV[1] then
  -- With no record under this token, the index may list the session under another token, where it goes on.
  if session then redis.call('HDEL', KEYS[2], ARGV[1]) end
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1`;

/** KEYS: outbox, receipt, then records. ARGV: operation, kind, reason. Returns {{entry id, event}...}. */
export const END = /* lua */ `${END_SESSION}${WITH_RECEIPT}
for i = 3, #KEYS do
  local raw = redis.call('GET', KEYS[i])
  local session = raw and read_session(raw)
  if session and is_kind(session, ARGV[2]) and not has_expired(session) then
    end_session(KEYS[i], session, ARGV[3])
  end
end
return reply(logouts)`;

/**
 * KEYS: outbox, receipt, the credential's record. ARGV: operation, kind, scope (a session id, 'others' or 'all').
 * Returns {'revoked', {{entry id, event}...}}, {'not_found'}, or {'invalid', the credential's raw record or false}.
 */
export const REVOKE = /* lua */ `${END_SESSION}${WITH_RECEIPT}
local raw = redis.call('GET', KEYS[3])
local own = raw and read_session(raw)
if not own or not is_kind(own, ARGV[2]) or not is_open(own) then return {'invalid', raw} end

local scope = ARGV[3]
if scope == 'others' then
  end_all_listed(own.user_id, own.username, 'logout_others', KEYS[3])
elseif scope == 'all' then
  end_all_listed(own.user_id, own.username, 'logout_all', KEYS[3])
  end_session(KEYS[3], own, 'logout_all')
elseif scope == own.id then
  end_session(KEYS[3], own, 'logout')
else
  local hash = redis.call('HGET', index_key(own.user_id), scope)
  local other = hash and find_listed(own.user_id, scope, hash)
  if not other then return {'not_found'} end
  other.session.username = other.session.username or own.username
  end_session(other.key, other.session, 'revoked')
end
return reply({'revoked', logouts})`;

/** KEYS: the credential's record. ARGV: operation. Returns {its raw record or false, raw record...}. */
export const LIST = /* lua */ `${FIND_SESSIONS}
local raw = redis.call('GET', KEYS[1])
local own = raw and read_session(raw)
local records = {raw}
if not own or not is_open(own) then return records end
for _, listed in ipairs(find_all_listed(own.user_id)) do
  if is_open(listed.session) then records[#records + 1] = listed.raw end
end
return records`;

/**
 * KEYS: outbox, receipt, the credential's record, the new token's record, cutoff, user's index, password changes.
 * ARGV: operation, kind, user id, username, hash of the new token, session id, hash of the credential's token, 'copy' or ''.
 * Returns {'renewed', raw record, {{entry id, event}...}}, {'superseded'}, or {'invalid', the credential's raw record or
 * false}. The change leaves the password changes last: if the script fails halfway, the cron goes on.
 */
export const RENEW = /* lua */ `${END_SESSION}${WITH_RECEIPT}
set_cutoff(KEYS[5])
local key, raw = KEYS[3], redis.call('GET', KEYS[3])
local own = raw and read_session(raw)
if not own then
  -- A copy of this request was faster: the session goes on under the token that the index lists.
  local hash = redis.call('HGET', KEYS[6], ARGV[6])
  local listed = hash and find_listed(ARGV[3], ARGV[6], hash)
  if listed then key, raw, own = listed.key, listed.raw, listed.session end
end
if not own or not is_kind(own, ARGV[2]) or not is_open(own) then
  if ARGV[8] == '' then
    end_all_listed(ARGV[3], ARGV[4], 'password_changed')
    redis.call('HDEL', KEYS[7], ARGV[7])
  end
  return reply({'invalid', raw})
end
if redis.call('EXISTS', KEYS[4]) == 1 then return {'superseded'} end
end_all_listed(own.user_id, own.username, 'password_changed', key)
redis.call('SET', KEYS[4], raw, 'PXAT', own.ends_at)
redis.call('HSET', index_key(own.user_id), own.id, ARGV[5])
leave_tombstone(key, own, 'renewed')
redis.call('HDEL', KEYS[7], ARGV[7])
return reply({'renewed', raw, logouts})`;

/**
 * KEYS: outbox, receipt, record to keep, cutoff, user's index, password changes.
 * ARGV: operation, user id, username, hash of the token to keep, 'pending' to do nothing unless its change is under way.
 * Returns {{entry id, event}...}.
 */
export const END_OTHERS = /* lua */ `${END_SESSION}${WITH_RECEIPT}
if ARGV[5] == 'pending' and redis.call('HEXISTS', KEYS[6], ARGV[4]) == 0 then return reply(logouts) end
set_cutoff(KEYS[4])
end_all_listed(ARGV[2], ARGV[3], 'password_changed', KEYS[3])
redis.call('HDEL', KEYS[6], ARGV[4])
return reply(logouts)`;
