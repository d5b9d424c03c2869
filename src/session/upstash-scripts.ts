import { OUTBOX_KEY } from '../activity/upstash-outbox.ts';

/**
 * The atomic steps on sessions, as Redis scripts. Each is a whole: ends, starts and their outbox entries happen
 * together or not at all, and no other command runs in between.
 *
 * Scripts that must find their keys as they go (the index of a user known only from the record) go without
 * `allow-key-locking` and take the lock of the whole Upstash database for their few hundred microseconds;
 * the others declare their keys and lock these alone (Upstash documentation, "EVAL").
 */
export const SESSION_KEY_PREFIX = 'session:';
export const INDEX_KEY_PREFIX = 'user-sessions:';
export const OPERATION_KEY_PREFIX = 'operation:';
/** When a user's password was changed or an operator kept them out, in Unix ms, for longer than a sign-in takes. */
export const PASSWORD_CHANGED_KEY_PREFIX = 'password-changed:';

/**
 * The one place where scripts read a record (positions from 1: see record.ts). Its times are Unix ms afterwards,
 * whatever its version; `ends` is when it is over if nobody comes. A session of a later version has no `ends` and
 * nothing but its first five fields: nobody is signed in by it, but it can be ended. Nil: no session.
 */
export const READ_RECORD = `
local function is_tombstone(raw) return string.sub(raw, 1, 4) == '[0,"' end

local function read(raw)
  local ok, s = pcall(cjson.decode, raw)
  if not ok or type(s) ~= 'table' or type(s[1]) ~= 'number' or s[1] < 1 then return nil end
  for i = 2, 5 do if type(s[i]) ~= 'string' then return nil end end
  if s[1] > 2 then return {s[1], s[2], s[3], s[4], s[5]} end
  for i = 7, 10 do if type(s[i]) ~= 'number' or s[i] % 1 ~= 0 then return nil end end
  if s[1] == 2 then s[8], s[9] = s[7] + s[8], s[7] + s[9] * 1000 end
  s.ends = math.min(s[9], s[8] + s[10] * 1000)
  return s
end
`;

/**
 * ctx: what the request tells (Ending), texts never null.
 *
 * live: what lies under a token, if it is open. For an ending also what a later version wrote: a sign-out that comes
 * to this one would else be confirmed and be none.
 *
 * listed: what a user's index lists under an id, if it is open; else it is dropped from the index. What cannot be
 * read stays listed. An ending, which is one that gives a name, finds that, too: the index says whose it is, and the
 * name is for its row.
 */
export const PRELUDE = `
local ctx = cjson.decode(ARGV[1])
local ended = {}
${READ_RECORD}
local function live(raw, kind, for_ending)
  local s = raw and read(raw)
  if not s or (kind and kind ~= '' and s[5] ~= kind) then return nil end
  if s.ends and ctx.now < s.ends or for_ending and not s.ends then return s end
end

local function bury(key, s, reason)
  local tombstone = cjson.encode({0, s[2], s[3], reason, ctx.now, ctx.ip})
  redis.call('SET', key, tombstone, unpack(s.ends and {'PXAT', s[9]} or {'KEEPTTL'}))
end

-- The event first: Redis rolls nothing back, and where the outbox takes no more the session must stay open.
local function finish(key, s, reason)
  local event = cjson.encode({
    type = 'logout', id = ctx.idPrefix .. string.format('%012x', ctx.idFirst + #ended),
    userId = s[3], username = s[4], sessionId = s[2], reason = reason, at = ctx.now,
    ip = ctx.ip, userAgent = ctx.userAgent, country = ctx.country,
  })
  ended[#ended + 1] = {redis.call('XADD', '${OUTBOX_KEY}', '*', 'event', event), event}
  bury(key, s, reason)
  redis.call('HDEL', '${INDEX_KEY_PREFIX}' .. s[3], s[2])
end

-- A sign-in that is under way was checked against the old password: START refuses it. A later mark stays: it is of
-- an operator, or of a change that was quicker.
local function password_changed(user_id)
  local key = '${PASSWORD_CHANGED_KEY_PREFIX}' .. user_id
  local before = tonumber(redis.call('GET', key) or 0)
  redis.call('SET', key, string.format('%.0f', math.max(ctx.now, before)), 'EX', ctx.receiptSeconds)
end

local function listed(user_id, id, hash, name)
  local key = '${SESSION_KEY_PREFIX}' .. hash
  local raw = redis.call('GET', key)
  local s = raw and (read(raw) or not is_tombstone(raw) and {0, id, user_id, name})
  if not s or s[2] ~= id or s.ends and ctx.now >= s.ends then
    redis.call('HDEL', '${INDEX_KEY_PREFIX}' .. user_id, id)
  elseif s.ends or name then
    return {key = key, s = s, raw = raw}
  end
end

local function open_sessions(user_id, name)
  local entries = redis.call('HGETALL', '${INDEX_KEY_PREFIX}' .. user_id)
  local found = {}
  for i = 1, #entries, 2 do found[#found + 1] = listed(user_id, entries[i], entries[i + 1], name) end
  return found
end
`;

// KEYS[1] is the receipt of the operation: a repetition after a lost answer gets the first answer again.
export const REPEATED = `
local receipt = redis.call('GET', KEYS[1])
if receipt then return cjson.decode(receipt) end
local function done(answer)
  redis.call('SET', KEYS[1], cjson.encode(answer), 'EX', ctx.receiptSeconds)
  return answer
end
`;

/** KEYS: record. ARGV: session id, new lastSeenAtMs, new record, end in Unix ms. Answers 1 or 0. */
export const REFRESH_SCRIPT = `#!lua flags=allow-key-locking
${READ_RECORD}
local raw = redis.call('GET', KEYS[1])
local s = raw and read(raw)
if not s or not s.ends or s[2] ~= ARGV[1] or s[8] >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[4])
return 1`;

/**
 * KEYS: record. ARGV: ctx, record, its end in Unix ms, login event, limit, then hashes of tokens it replaces.
 * Answers {1, {{entry, event}...}, login's entry}, or {0} when the token was abandoned or
 * the password was changed since it was checked. A repetition finds its own record and
 * changes nothing; the logouts of the first time are in the outbox by then.
 */
export const START_SCRIPT = `${PRELUDE}
local s = read(ARGV[2])
local existing = redis.call('GET', KEYS[1])
if existing then
  local e = read(existing)
  if e and e[2] == s[2] then return {1, {}, false} end
  return {0}
end
if tonumber(redis.call('GET', '${PASSWORD_CHANGED_KEY_PREFIX}' .. s[3]) or 0) > ctx.checkedFrom then return {0} end
for i = 6, #ARGV do
  local key = '${SESSION_KEY_PREFIX}' .. ARGV[i]
  local old = live(redis.call('GET', key), 'c', true)
  if old then finish(key, old, 'replaced') end
end
local limit = tonumber(ARGV[5])
local others = open_sessions(s[3])
if limit > 0 and #others >= limit then
  table.sort(others, function(a, b)
    if a.s[7] ~= b.s[7] then return a.s[7] < b.s[7] end
    return a.s[2] < b.s[2]
  end)
  for i = 1, #others - limit + 1 do finish(others[i].key, others[i].s, 'evicted') end
end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
local index = '${INDEX_KEY_PREFIX}' .. s[3]
redis.call('HSET', index, s[2], string.sub(KEYS[1], ${SESSION_KEY_PREFIX.length + 1}))
if redis.call('PTTL', index) < s[9] - ctx.now then redis.call('PEXPIREAT', index, s[9]) end
return {1, ended, redis.call('XADD', '${OUTBOX_KEY}', '*', 'event', ARGV[4])}`;

/** KEYS: record. ARGV: session id, user id, tombstone, its life in seconds. */
export const ABANDON_SCRIPT = `${READ_RECORD}
local raw = redis.call('GET', KEYS[1])
local s = raw and read(raw)
if not raw or s and s[2] == ARGV[1] then
  -- Without a record under this token the index may list the session under another one, where it goes on.
  if s then redis.call('HDEL', '${INDEX_KEY_PREFIX}' .. ARGV[2], ARGV[1]) end
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
end
return 1`;

/** KEYS: receipt. ARGV: ctx, kind, reason, then token hashes. Answers {{entry, event}...}. */
export const END_SCRIPT = `${PRELUDE}${REPEATED}
for i = 4, #ARGV do
  local key = '${SESSION_KEY_PREFIX}' .. ARGV[i]
  local s = live(redis.call('GET', key), ARGV[2], true)
  if s then finish(key, s, ARGV[3]) end
end
return done(ended)`;

/**
 * KEYS: receipt. ARGV: ctx, holder's token hash, its kind, scope (a session id, 'others' or 'everywhere'),
 * reason for the others, and with 'password_changed' whose it was: then the others end without the holder, too.
 * Answers {'revoked', {{entry, event}...}}, {'not_found'}, or {'invalid', what lies under the holder's key}.
 */
export const REVOKE_SCRIPT = `${PRELUDE}${REPEATED}
local my_key = '${SESSION_KEY_PREFIX}' .. ARGV[2]
local my_raw = redis.call('GET', my_key)
local me = live(my_raw, ARGV[3])
if not me and ARGV[5] == 'password_changed' then
  -- Ended meanwhile; the password is changed all the same.
  password_changed(ARGV[6])
  for _, other in ipairs(open_sessions(ARGV[6], '')) do finish(other.key, other.s, ARGV[5]) end
  return done({'invalid', my_raw})
end
if not me then return {'invalid', my_raw} end
if ARGV[4] == 'others' or ARGV[4] == 'everywhere' then
  if ARGV[5] == 'password_changed' then password_changed(me[3]) end
  for _, other in ipairs(open_sessions(me[3], me[4])) do
    if other.key ~= my_key then
      finish(other.key, other.s, ARGV[5])
    end
  end
  if ARGV[4] == 'everywhere' then finish(my_key, me, 'logout_all') end
elseif ARGV[4] == me[2] then
  finish(my_key, me, 'logout')
else
  local hash = redis.call('HGET', '${INDEX_KEY_PREFIX}' .. me[3], ARGV[4])
  local other = hash and listed(me[3], ARGV[4], hash, me[4])
  if not other then return {'not_found'} end
  finish(other.key, other.s, 'revoked')
end
return done({'revoked', ended})`;

/** ARGV: ctx, holder's token hash. Answers {what lies under the holder's key, record...} */
export const LIST_SCRIPT = `${PRELUDE}
local my_raw = redis.call('GET', '${SESSION_KEY_PREFIX}' .. ARGV[2])
local me = live(my_raw)
if not me then return {my_raw} end
local answer = {my_raw}
for _, each in ipairs(open_sessions(me[3])) do answer[#answer + 1] = each.raw end
return answer`;

/**
 * KEYS: receipt. ARGV: ctx, holder's token hash, its kind, hash of the new token, user id.
 * Answers {'renewed', record, {{entry, event}...}}, {'refused'} (the new token was abandoned), or {'invalid', what lies under the holder's key}.
 */
export const RENEW_SCRIPT = `${PRELUDE}${REPEATED}
local my_key = '${SESSION_KEY_PREFIX}' .. ARGV[2]
local my_raw = redis.call('GET', my_key)
local me = live(my_raw, ARGV[3])
password_changed(me and me[3] or ARGV[5])
if not me then
  -- Ended meanwhile; the password is changed all the same, and the others end with it.
  for _, other in ipairs(open_sessions(ARGV[5], '')) do finish(other.key, other.s, 'password_changed') end
  return done({'invalid', my_raw})
end
local new_key = '${SESSION_KEY_PREFIX}' .. ARGV[4]
if redis.call('EXISTS', new_key) == 1 then return {'refused'} end
for _, other in ipairs(open_sessions(me[3], me[4])) do
  if other.key ~= my_key then finish(other.key, other.s, 'password_changed') end
end
redis.call('SET', new_key, my_raw, 'PXAT', me.ends)
redis.call('HSET', '${INDEX_KEY_PREFIX}' .. me[3], me[2], ARGV[4])
bury(my_key, me, 'renewed')
return done({'renewed', my_raw, ended})`;
