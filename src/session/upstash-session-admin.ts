import { StoreUnavailableError } from '../store/store-call.ts';
import type { RedisClient } from '../store/upstash-client.ts';
import { judgeRecord } from './record.ts';
import type { FoundSession, IndexFault, KeyScan, SessionAdmin } from './session-admin.ts';
import { OPERATION_RECEIPT_SECONDS } from './session-store.ts';
import type { SessionId, TokenHash, UserId } from './token.ts';
import {
  INDEX_KEY_PREFIX,
  PASSWORD_CHANGED_KEY_PREFIX,
  PRELUDE,
  READ_RECORD,
  REPEATED,
  SESSION_KEY_PREFIX,
} from './upstash-scripts.ts';
import { readLogouts, receiptKey, scriptContext } from './upstash-session-store.ts';

const SCAN_COUNT = 500;
/** An index may end this much before its last session: the two are written one after the other. */
const EXPIRY_SLACK_MS = 2000;

/** KEYS: index. ARGV: session id or empty for all. Answers {token hash, record, token hash, record...}. */
const READ_INDEX_SCRIPT = `
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

/** ARGV: session id, then index keys. Answers the one that lists it, or null. */
const FIND_SCRIPT = `
for i = 2, #ARGV do
  if redis.call('HEXISTS', ARGV[i], ARGV[1]) == 1 then return ARGV[i] end
end
return false`;

/** KEYS: receipt. ARGV: ctx, user id, reason. Answers {{entry, event}...}. */
const END_UNREADABLE_SCRIPT = `${PRELUDE}${REPEATED}
for _, each in ipairs(open_sessions(ARGV[2], '')) do
  if not each.s.ends then finish(each.key, each.s, ARGV[3]) end
end
return done(ended)`;

/** A start is compared by the Worker's clock, the mark is set by Redis's: so far may the two be apart. */
export const CLOCK_MARGIN_MS = 1000;

const NOW = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)`;

/** Answers Unix ms. */
const NOW_SCRIPT = `#!lua flags=allow-key-locking
${NOW}
return now`;

/**
 * KEYS: the mark that START_SCRIPT compares with. ARGV: its life in seconds, ms to be added. Never takes a later mark
 * back.
 */
const REFUSE_STARTS_SCRIPT = `#!lua flags=allow-key-locking
${NOW}
local before = tonumber(redis.call('GET', KEYS[1]) or 0)
redis.call('SET', KEYS[1], string.format('%.0f', math.max(now + ARGV[2], before)), 'EX', ARGV[1])
return 1`;

/**
 * ARGV: {now, repair}, then keys of sessions and indexes. Answers {open, tombstones, listed, run out, faults},
 * a fault being {kind, user id, session id, repaired}.
 */
const CHECK_SCRIPT = `${READ_RECORD}
local ctx = cjson.decode(ARGV[1])
local open, tombstones, listed, run_out, faults = 0, 0, 0, 0, {}

local function fault(kind, user_id, session_id, repair)
  if ctx.repair and repair then repair() end
  faults[#faults + 1] = {kind, user_id, session_id, (ctx.repair and repair) and 1 or 0}
end

local function check_record(key)
  local raw = redis.call('GET', key)
  if not raw then return end
  if is_tombstone(raw) then
    tombstones = tombstones + 1
    return
  end
  local s = read(raw)
  if not s then return fault('unreadable', '', '') end
  if not s.ends then return fault('unreadable', s[3], s[2]) end
  if redis.call('PTTL', key) == -1 then
    fault('no_expiry', s[3], s[2], function()
      redis.call('PEXPIREAT', key, s.ends)
    end)
  end
  if ctx.now >= s.ends then return end
  open = open + 1
  local index = '${INDEX_KEY_PREFIX}' .. s[3]
  local hash = string.sub(key, ${SESSION_KEY_PREFIX.length + 1})
  if redis.call('HGET', index, s[2]) ~= hash then
    fault('unlisted', s[3], s[2], function() redis.call('HSET', index, s[2], hash) end)
    if not ctx.repair then return end
  end
  local left = redis.call('PTTL', index)
  if left >= 0 and left + ${EXPIRY_SLACK_MS} < s[9] - ctx.now then
    fault('index_expires_early', s[3], s[2], function() redis.call('PEXPIREAT', index, s[9]) end)
  elseif left == -1 and ctx.repair then
    redis.call('PEXPIREAT', index, s[9])
  end
end

local function check_index(key)
  local user_id = string.sub(key, ${INDEX_KEY_PREFIX.length + 1})
  local entries = redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local id = entries[i]
    local function drop() redis.call('HDEL', key, id) end
    local raw = redis.call('GET', '${SESSION_KEY_PREFIX}' .. entries[i + 1])
    local s = raw and read(raw)
    if not raw or (s and s.ends and ctx.now >= s.ends) then
      run_out = run_out + 1
      if ctx.repair then drop() end
    elseif is_tombstone(raw) then
      fault('ended_but_listed', user_id, id, drop)
    elseif s and (s[2] ~= id or s[3] ~= user_id) then
      fault('mismatched', user_id, id, drop)
    elseif not s or not s.ends then
      -- Stays listed: without that nobody could end it.
      fault('unreadable', user_id, id)
    else
      listed = listed + 1
    end
  end
end

for i = 2, #ARGV do
  local kind = redis.call('TYPE', ARGV[i]).ok
  if kind == 'string' then check_record(ARGV[i]) elseif kind == 'hash' then check_index(ARGV[i]) end
end
return {open, tombstones, listed, run_out, faults}`;

/** The keys of `upstashSessionStore`, for the operator's tool. */
export function upstashSessionAdmin(redis: RedisClient, keyScan: KeyScan): SessionAdmin {
  const readIndex = async (
    userId: UserId,
    sessionId: SessionId | '',
    nowMs: number,
  ): Promise<FoundSession[]> => {
    const answer = await redis.eval(READ_INDEX_SCRIPT, [INDEX_KEY_PREFIX + userId], [sessionId]);
    const fields = asArray(answer);
    const found: FoundSession[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const check = judgeRecord(textOf(fields[i + 1]), 'either', nowMs);
      if (check.status !== 'valid' || check.session.userId !== userId) continue;
      found.push({ session: check.session, tokenHash: textOf(fields[i]) as TokenHash });
    }
    return found.sort((a, b) => b.session.createdAtMs - a.session.createdAtMs);
  };
  const findOf = async (userId: UserId, sessionId: SessionId, nowMs: number): Promise<FoundSession | null> =>
    (await readIndex(userId, sessionId, nowMs)).find(({ session }) => session.id === sessionId) ?? null;

  return {
    async nowMs() {
      const answer = await redis.eval(NOW_SCRIPT, [], []);
      if (typeof answer !== 'number') throw new StoreUnavailableError('redis', 'protocol');
      return answer;
    },

    listOf: (userId, nowMs) => readIndex(userId, '', nowMs),
    findOf,

    async find(sessionId, nowMs) {
      let cursor = '0';
      do {
        const step = await keyScan.scan(cursor, SCAN_COUNT);
        const indexes = step.keys.filter((key) => key.startsWith(INDEX_KEY_PREFIX));
        const key = indexes.length === 0 ? null : await redis.eval(FIND_SCRIPT, [], [sessionId, ...indexes]);
        if (typeof key === 'string')
          return await findOf(key.slice(INDEX_KEY_PREFIX.length) as UserId, sessionId, nowMs);
        cursor = step.cursor;
      } while (cursor !== '0');
      return null;
    },

    async refuseStartsUnderWay(userId) {
      const answer = await redis.eval(
        REFUSE_STARTS_SCRIPT,
        [PASSWORD_CHANGED_KEY_PREFIX + userId],
        [String(OPERATION_RECEIPT_SECONDS), String(CLOCK_MARGIN_MS)],
      );
      if (answer !== 1) throw new StoreUnavailableError('redis', 'protocol');
    },

    async endUnreadable(userId, reason, ending) {
      const args = [scriptContext(ending), userId, reason];
      return readLogouts(await redis.eval(END_UNREADABLE_SCRIPT, [receiptKey(ending)], args));
    },

    keyCount: () => keyScan.keyCount(),

    async checkIndex(from, nowMs, repair) {
      const { cursor, keys } = await keyScan.scan(from ?? '0', SCAN_COUNT);
      const ours = keys.filter(
        (key) => key.startsWith(SESSION_KEY_PREFIX) || key.startsWith(INDEX_KEY_PREFIX),
      );
      const answer = asArray(
        ours.length === 0
          ? [0, 0, 0, 0, []]
          : await redis.eval(CHECK_SCRIPT, [], [JSON.stringify({ now: nowMs, repair }), ...ours]),
      );
      const [openSessions, tombstones, listed, runOut] = answer.slice(0, 4).map(Number);
      return {
        cursor: cursor === '0' ? null : cursor,
        keys: keys.length,
        openSessions: openSessions ?? 0,
        tombstones: tombstones ?? 0,
        listed: listed ?? 0,
        runOut: runOut ?? 0,
        faults: asArray(answer[4]).map(readFault),
      };
    },
  };
}

function readFault(value: unknown): IndexFault {
  const [kind, userId, sessionId, repaired] = asArray(value);
  return {
    kind: kind as IndexFault['kind'],
    userId: userId === '' ? null : (textOf(userId) as UserId),
    sessionId: sessionId === '' ? null : (textOf(sessionId) as SessionId),
    isRepaired: repaired === 1,
  };
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new StoreUnavailableError('redis', 'protocol');
  return value;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
