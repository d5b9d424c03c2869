import { ENDED_KEY_PREFIX, INDEX_KEY_PREFIX, SESSION_KEY_PREFIX } from './redis-keys.ts';
import {
  END_SESSION,
  FIND_OWN,
  FIND_SESSIONS,
  NOTE_END,
  READ_SESSION,
  REMOVE_RECORD,
  WAS_SIGNED_OUT,
  WITH_RECEIPT,
} from './script-functions.ts';

/**
 * The atomic steps on sessions, as Redis scripts: an end or a start and its outbox entry happen together, and no other
 * command runs in between. ARGV[1] is the operation as JSON; "raw" is a record as stored in Redis; a token's two keys are
 * those of its record and its tombstone.
 *
 * Every key that the caller knows is in KEYS. (Upstash reads a key that is not declared and not in memory from disk, and
 * locks the whole database meanwhile.) Scripts that declare all their keys ask with `allow-key-locking` to lock only
 * those; the others find keys as they go: a user's index that only the record names, or the queues of receivers, as all do
 * that start or end a session. A full Redis refuses scripts with flags whole, unless `allow-oom` is among them: it is where
 * a check or an end must not fail then. Those without flags run until they call what needs memory, and go on after a write.
 */

/**
 * KEYS: two of each token. Returns {raw or false, tombstone or false...}. A script, because a plain read may be served by
 * a replica that hasn't seen a sign-out yet; Upstash runs no EVAL there.
 */
export const CHECK = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('MGET', unpack(KEYS))`;

/** KEYS: record. ARGV: session id, new lastSeenAtMs, new record, its expiry in Unix ms. Returns 1, or 0 if nothing moved. */
export const REFRESH = /* lua */ `#!lua flags=allow-key-locking
${READ_SESSION}
local raw = redis.call('GET', KEYS[1])
local session = raw and read_session(raw)
if not session or session.id ~= ARGV[1] then return 0 end
local seen_at = tonumber(ARGV[2])
if not session.ends_at or session.last_seen_at >= seen_at or seen_at >= session.ends_at then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[4])
return 1`;

/**
 * KEYS: outbox, unrecorded, the new token's two, user's index, cutoff, the oldest minute, the one in which the session will
 * end, then two of each token to replace, then the sign-in form's key, if there is one.
 * ARGV: operation, new record, its expiry in Unix ms, login event, limit of sessions, how many tokens to replace, how many
 * seconds a form is remembered.
 * Returns {'started', {{entry id, event, ids in queues}...}, the login's entry id, its ids in queues}, or {'superseded'}.
 * A retry finds its own record and reports no entries: they are in the outbox. If that rejects the login, nothing begins.
 */
export const START = /* lua */ `${END_SESSION}${FIND_OWN}${NOTE_END}${WAS_SIGNED_OUT}
-- A record that can't be read must fail before anything is written.
local session = assert(read_session(ARGV[2]), 'unreadable record')
local raw = redis.call('GET', KEYS[3])
if raw then
  local existing = read_session(raw)
  if existing and existing.id == session.id then return {'started', {}, false} end
  return {'superseded'}
end
if redis.call('EXISTS', KEYS[4]) == 1 then return {'superseded'} end
if tonumber(redis.call('GET', KEYS[6]) or 0) > operation.checkedFrom then return {'superseded'} end

local hash = string.sub(KEYS[3], ${SESSION_KEY_PREFIX.length + 1})
local form_key = KEYS[9 + 2 * tonumber(ARGV[6])]
local first_hash = form_key and redis.call('GET', form_key)
-- A copy of a form whose session was signed out meanwhile: no browser would keep this one.
if first_hash and was_signed_out(redis.call('GET', '${ENDED_KEY_PREFIX}' .. first_hash), session.user_id) then
  return {'superseded'}
end

-- Before the login: a sign-in whose end no minute lists would leave no row. The cron drops what never began.
assert(note_end(hash, session.ends_at), 'the minute of its end is not stored')
local login_entry = redis.call('XADD', KEYS[1], '*', 'event', ARGV[4])
local login_queued = queue_event('start', ARGV[4])

for i = 9, 8 + 2 * tonumber(ARGV[6]), 2 do
  local replaced = find(KEYS[i], KEYS[i + 1])
  if replaced and is_kind(replaced.session, 'c') then end_session(replaced, 'replaced') end
end

-- The same form sent twice by the same user: no browser keeps the first one's session.
if first_hash then
  local first = find('${SESSION_KEY_PREFIX}' .. first_hash, '${ENDED_KEY_PREFIX}' .. first_hash)
  if first and first.session.user_id == session.user_id and is_open(first.session) then
    end_session(first, 'replaced')
  end
end

local open = {}
for _, found in ipairs(find_all_listed(session.user_id)) do
  if is_open(found.session) then open[#open + 1] = found end
end
local limit = tonumber(ARGV[5])
if limit > 0 and #open >= limit then
  table.sort(open, function(a, b) return is_newer(b.session, a.session) end)
  for i = 1, #open - limit + 1 do end_session(open[i], 'evicted') end
end

redis.call('SET', KEYS[3], ARGV[2], 'PXAT', ARGV[3])
redis.call('HSET', KEYS[5], session.id, hash)
if form_key then redis.call('SET', form_key, hash, 'EX', ARGV[7]) end
if redis.call('PTTL', KEYS[5]) < session.expires_at - operation.now then
  redis.call('PEXPIREAT', KEYS[5], session.expires_at)
end
return {'started', logouts, login_entry, login_queued}`;

/**
 * KEYS: outbox, unrecorded, the token's two, user's index. ARGV: operation, session id, tombstone, its lifetime in seconds.
 * Returns {{entry id, event}...}.
 */
export const ABANDON = /* lua */ `#!lua flags=allow-oom
${END_SESSION}
local found = find(KEYS[3], KEYS[4])
if found then
  -- It began, and so did its row: both end.
  if found.session.id == ARGV[2] then end_session(found, 'abandoned') end
elseif redis.call('EXISTS', KEYS[3]) == 0 then
  -- What has ended before keeps its tombstone.
  redis.call('SET', KEYS[4], ARGV[3], 'EX', ARGV[4], 'NX')
end
return logouts`;

/**
 * KEYS: outbox, unrecorded, receipt, then two of each token. ARGV: operation, kind, reason.
 * Returns {{entry id, event}...}.
 */
export const END = /* lua */ `${END_SESSION}${WITH_RECEIPT}
for i = 4, #KEYS, 2 do
  local found = find(KEYS[i], KEYS[i + 1])
  if found and is_kind(found.session, ARGV[2]) then end_session(found, ARGV[3]) end
end
return reply_if_ended(logouts)`;

/**
 * KEYS: outbox, unrecorded, receipt, then two of each token. ARGV: operation, kind, scope (a session id, 'others' or 'all'),
 * how many tokens are authorized; they come first. If the own session ends, so do those of all tokens.
 * Returns {'revoked', {{entry id, event}...}}, {'not_found'}, or {'invalid', what CHECK returns}.
 */
export const REVOKE = /* lua */ `${END_SESSION}${FIND_OWN}${WITH_RECEIPT}
local offered = find_offered(4, ARGV[2])
local own = choose_own(offered, tonumber(ARGV[4]))
if not own then return {'invalid', offered_from(4)} end
local user_id, username = own.session.user_id, own.session.username
local function end_offered(own_reason)
  end_session(own, own_reason)
  for _, found in ipairs(offered) do
    if found ~= own and redis.call('EXISTS', found.key) == 1 then end_session(found, 'logout') end
  end
end

local scope = ARGV[3]
if scope == 'others' then
  end_all_listed(user_id, username, 'logout_others', own.key)
elseif scope == 'all' then
  end_all_listed(user_id, username, 'logout_all', own.key)
  end_offered('logout_all')
elseif scope == own.session.id then
  end_offered('logout')
else
  local hash = redis.call('HGET', index_key(user_id), scope)
  local other = hash and find_listed(user_id, scope, hash)
  if not other then return {'not_found'} end
  other.session.username = other.session.username or username
  end_session(other, 'revoked')
  if #logouts == 0 then return {'not_found'} end
end
return reply_if_ended({'revoked', logouts})`;

/** KEYS: two of each token. ARGV: operation, kind. Returns {what CHECK returns, {raw record...}}. */
export const LIST = /* lua */ `${FIND_SESSIONS}${FIND_OWN}
local own = find_own(1, ARGV[2])
local records = {}
for _, found in ipairs(own and find_all_listed(own.session.user_id) or {}) do
  if is_open(found.session) then records[#records + 1] = found.raw end
end
return {offered_from(1), records}`;

/**
 * KEYS: outbox, unrecorded, receipt, the new token's two, cutoff, user's index, password changes, the credential's two. The
 * minutes in which sessions end are found as the script goes.
 * ARGV: operation, kind, user id, username, hash of the new token, session id, hash of the credential's token, 'copy' or ''.
 * Returns {'renewed', raw record, {{entry id, event}...}}, {'superseded'}, or {'invalid', what CHECK returns,
 * {{entry id, event}...}}: then the user's other sessions have ended all the same, unless it is a copy. The change leaves
 * the password changes last: if the script fails halfway, the cron goes on.
 */
export const RENEW = /* lua */ `${END_SESSION}${FIND_OWN}${NOTE_END}${WITH_RECEIPT}
local own = find_own(9, ARGV[2])
if not own then
  -- A copy of this request was faster: the session goes on under the token that the index lists.
  local hash = redis.call('HGET', KEYS[7], ARGV[6])
  local listed = hash and find_listed(ARGV[3], ARGV[6], hash)
  if listed and is_kind(listed.session, ARGV[2]) and is_open(listed.session) then own = listed end
end
if not own then
  if ARGV[8] == '' then end_all_listed(ARGV[3], ARGV[4], 'password_changed') end
  set_cutoff(KEYS[6])
  if ARGV[8] == '' then redis.call('HDEL', KEYS[8], ARGV[7]) end
  return reply({'invalid', offered_from(9), logouts})
end
if redis.call('EXISTS', KEYS[4], KEYS[5]) > 0 then
  set_cutoff(KEYS[6])
  return {'superseded'}
end
end_all_listed(own.session.user_id, own.session.username, 'password_changed', own.key)
set_cutoff(KEYS[6])
remove_record(own, 'renewed', operation)
local gone_at = own.session.ends_at + operation.expiredKeptSeconds * 1000
local moved = redis.pcall('SET', KEYS[4], own.raw, 'PXAT', string.format('%.0f', gone_at))
local listed = not moved.err and redis.pcall('HSET', index_key(own.session.user_id), own.session.id, ARGV[5])
-- A session that no index lists could never be ended by its user, and one that no minute lists would leave no row.
if moved.err or type(listed) == 'table' or not note_end(ARGV[5], own.session.ends_at) then
  redis.call('DEL', KEYS[4])
  end_session(own, 'password_changed')
  redis.call('HDEL', KEYS[8], ARGV[7])
  return reply({'invalid', offered_from(9), logouts})
end
redis.call('HDEL', KEYS[8], ARGV[7])
return reply({'renewed', own.raw, logouts})`;

/**
 * KEYS: outbox, unrecorded, receipt, record to keep, cutoff, user's index, password changes.
 * ARGV: operation, user id, username, hash of the token to keep, and from which Unix ms on sessions stay:
 * then nothing ends unless its change is under way; empty for all.
 * Returns {{entry id, event}...}.
 */
export const END_OTHERS = /* lua */ `${END_SESSION}${WITH_RECEIPT}
local keep_from = tonumber(ARGV[5])
if keep_from and redis.call('HEXISTS', KEYS[7], ARGV[4]) == 0 then return logouts end
end_all_listed(ARGV[2], ARGV[3], 'password_changed', KEYS[4], keep_from)
set_cutoff(KEYS[5])
redis.call('HDEL', KEYS[7], ARGV[4])
return reply_if_ended(logouts)`;

/**
 * KEYS: a user's index for each session. ARGV: operation, then the id of each session and the reason of its end. Returns
 * the ids of those that were still open. Their rows exist, so there are no events.
 */
export const END_AGAIN = /* lua */ `${FIND_SESSIONS}${REMOVE_RECORD}
local ended = {}
for i, index in ipairs(KEYS) do
  local id, reason = ARGV[2 * i], ARGV[2 * i + 1]
  local hash = redis.call('HGET', index, id)
  local found = hash and find_listed(string.sub(index, ${INDEX_KEY_PREFIX.length + 1}), id, hash)
  if found and not has_expired(found.session) then
    remove_record(found, reason, operation)
    redis.call('HDEL', index, id)
    ended[#ended + 1] = id
  end
end
return ended`;
