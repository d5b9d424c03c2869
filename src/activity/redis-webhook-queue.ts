import { nonEmptyTextOrNull, textOrNull } from '../lib/text.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { asArray } from '../store/redis-reply.ts';
import { parseActivity } from './activity-encoding.ts';
import {
  BACKOFF_DOUBLINGS_MAX,
  BACKOFF_MS,
  EXPIRED_PER_RUN,
  FAILURES_A_ROUND,
  FAILURES_UNTIL_DOWN,
  FORGET_AFTER_MS,
  KEEP_MS,
  QUEUE_MAX,
  SET_ASIDE_MAX,
  type QueuedEvent,
  type QueuedFor,
  type WebhookQueue,
} from './webhook-queue.ts';

/** Hash: name of a receiver → `{events, at}` as JSON, with the Unix ms when a Worker last had it. */
export const RECEIVERS_KEY = 'webhooks:receivers';
export const QUEUE_KEY_PREFIX = 'webhook:';
/** Stream of the events that the receiver hasn't accepted. */
export const queueKey = (receiver: string): string => QUEUE_KEY_PREFIX + receiver;
/**
 * Hash: `failures` in a row, `error` and `failed_at` of the last, `until`, `accepted_at`; `tried` and `retried` (`Cursors`);
 * `dropped`, and how many of these the cron has logged, `dropped_logged`. Times in Unix ms.
 */
export const stateKey = (receiver: string): string => `${queueKey(receiver)}:state`;
/** Stream of events that it will never take: fields `event` and `reason`. */
export const setAsideKey = (receiver: string): string => `${queueKey(receiver)}:set-aside`;

/**
 * For scripts with an `operation`, whose `streams` has the names of the receivers that want each kind of event; `stored`:
 * those that the Workers last had. The queues aren't in KEYS, as most scripts end nothing; what isn't declared has to be
 * in memory, and these were written when the last session ended, or by the cron a minute ago.
 */
export const QUEUE_EVENT = /* lua */ `
local streams = operation.streams or {}
if streams == 'stored' then
  streams = {}
  local known = redis.call('HGETALL', '${RECEIVERS_KEY}')
  for i = 1, #known, 2 do
    local ok, receiver = pcall(cjson.decode, known[i + 1])
    local events = ok and type(receiver) == 'table' and receiver.events
    for _, kind in ipairs(type(events) == 'table' and events or {}) do
      streams[kind] = streams[kind] or {}
      table.insert(streams[kind], known[i])
    end
  end
end

-- Adds an event to the queue of each receiver that wants its kind. Returns its ids there, empty where a full Redis rejected
-- it: a session must end all the same. Nil: no receiver wants it.
local function queue_event(kind, event)
  if not streams[kind] then return nil end
  local ids = {}
  for i, name in ipairs(streams[kind]) do
    local id = redis.pcall('XADD', '${QUEUE_KEY_PREFIX}' .. name, '*', 'event', event)
    ids[i] = type(id) == 'string' and id or ''
  end
  return ids
end
`;

/** KEYS: state. Returns Unix ms or false. */
const UNTIL = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('HGET', KEYS[1], 'until')`;

/** KEYS: queue. ARGV: from, to, limit. Returns {{entry id, {field, value...}}...}, oldest first. */
const READ = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])`;

/** KEYS: queue, state. ARGV: Unix ms, entry ids. */
const ACCEPT = /* lua */ `#!lua flags=allow-key-locking,allow-oom
if #ARGV > 1 then redis.call('XDEL', KEYS[1], unpack(ARGV, 2)) end
return redis.call('HSET', KEYS[2], 'failures', 0, 'until', 0, 'accepted_at', ARGV[1])`;

/**
 * KEYS: state. ARGV: reason, how many failures, Unix ms, tried, retried (empty: it stays). Returns {until when it backs
 * off, 1 if that is new}, or false. A round is how many failures it takes until it backs off for longer.
 */
const FAIL = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local now = tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'error', ARGV[1], 'failed_at', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'tried', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'retried', ARGV[5]) end
local until_ms = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
-- It was under way when the receiver began to count as down.
if until_ms > now then return {until_ms, 0} end
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or 0)
local round = failures < ${FAILURES_UNTIL_DOWN} and 0
  or 1 + math.floor((failures - ${FAILURES_UNTIL_DOWN}) / ${FAILURES_A_ROUND})
local round_ends_at = ${FAILURES_UNTIL_DOWN} + ${FAILURES_A_ROUND} * round
failures = math.min(failures + ARGV[2], round_ends_at)
redis.call('HSET', KEYS[1], 'failures', failures)
if failures < round_ends_at then return false end
until_ms = now + ${BACKOFF_MS} * 2 ^ math.min(round, ${BACKOFF_DOUBLINGS_MAX})
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', until_ms))
return {until_ms, 1}`;

const SET_ASIDE_ENTRY = /* lua */ `
local function set_aside(queue, aside, entry, reason)
  local event = ''
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'event' then event = entry[2][i + 1] end
  end
  redis.call('XADD', aside, 'MAXLEN', '=', ${SET_ASIDE_MAX}, '*', 'event', event, 'reason', reason)
  redis.call('XDEL', queue, entry[1])
end`;

/** KEYS: queue, set aside, state. ARGV: entry id, reason, Unix ms. Returns 1, or 0 if the entry is gone. */
const SET_ASIDE = /* lua */ `#!lua flags=allow-key-locking,allow-oom
${SET_ASIDE_ENTRY}
redis.call('HSET', KEYS[3], 'error', ARGV[2], 'failed_at', ARGV[3])
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
set_aside(KEYS[1], KEYS[2], entry, ARGV[2])
return 1`;

/**
 * KEYS: receivers, then queue, set aside and state of each that is configured. ARGV: Unix ms, most events of a queue, then
 * each one's name and what the hash of receivers holds of it. The keys of those to be forgotten are found as it goes.
 * Returns {{{dropped, expired, until, tried, retried}...}, {{name, how many events it held}...}}; the last three may be
 * false.
 */
const TIDY = /* lua */ `${SET_ASIDE_ENTRY}
local now = tonumber(ARGV[1])
local queues, gone, is_configured = {}, {}, {}
for i = 3, #ARGV, 2 do
  is_configured[ARGV[i]] = true
  -- A full Redis may reject it.
  redis.pcall('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
for i = 2, #KEYS, 3 do
  local queue, aside, state = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local trimmed = redis.call('XTRIM', queue, 'MAXLEN', '=', ARGV[2])
  if trimmed > 0 then redis.pcall('HINCRBY', state, 'dropped', trimmed) end
  local total, logged = unpack(redis.call('HMGET', state, 'dropped', 'dropped_logged'))
  local dropped = (tonumber(total) or 0) - (tonumber(logged) or 0)
  -- If a full Redis rejects it, the next run reports them.
  if dropped > 0 and type(redis.pcall('HSET', state, 'dropped_logged', total)) == 'table' then dropped = 0 end
  local too_old = string.format('%.0f', now - ${KEEP_MS} - 1)
  local expired = redis.call('XRANGE', queue, '-', too_old, 'COUNT', ${EXPIRED_PER_RUN})
  for _, entry in ipairs(expired) do set_aside(queue, aside, entry, 'expired') end
  queues[#queues + 1] = {dropped, #expired, unpack(redis.call('HMGET', state, 'until', 'tried', 'retried'))}
end
local known = redis.call('HGETALL', KEYS[1])
for i = 1, #known, 2 do
  local ok, receiver = pcall(cjson.decode, known[i + 1])
  local seen_at = ok and type(receiver) == 'table' and tonumber(receiver.at) or 0
  if not is_configured[known[i]] and seen_at + ${FORGET_AFTER_MS} <= now then
    local queue = '${QUEUE_KEY_PREFIX}' .. known[i]
    gone[#gone + 1] = {known[i], redis.call('XLEN', queue)}
    redis.call('DEL', queue, queue .. ':set-aside', queue .. ':state')
    redis.call('HDEL', KEYS[1], known[i])
  end
end
return {queues, gone}`;

/** A queue is a Redis stream, whose ids are "<Unix ms>-<sequence>". `queueMax`: see `QUEUE_MAX`. */
export function redisWebhookQueue(redis: RedisClient, queueMax = QUEUE_MAX): WebhookQueue {
  return {
    async backingOffUntilMs(receiver) {
      return Number((await redis.eval(UNTIL, [stateKey(receiver)], [])) ?? 0);
    },

    async read(receiver, after, upTo, limit) {
      // "(" excludes the entry itself (Redis 6.2).
      const range = [after === null ? '-' : `(${after}`, upTo, String(limit)];
      const entries = asArray(await redis.eval(READ, [queueKey(receiver)], range));
      return (entries as [string, string[]][]).map(([entryId, fields]): QueuedEvent => ({
        entryId,
        activity: parseActivity(fields[fields.indexOf('event') + 1]),
      }));
    },

    async accept(receiver, entryIds, nowMs) {
      await redis.eval(ACCEPT, [queueKey(receiver), stateKey(receiver)], [String(nowMs), ...entryIds]);
    },

    async fail(receiver, { reason, count, cursors: { tried, retried } = {} }, nowMs) {
      const failure = [reason, String(count), String(nowMs), tried ?? '', retried ?? ''];
      const backOff = await redis.eval(FAIL, [stateKey(receiver)], failure);
      if (backOff === null) return null;
      const [untilMs, isNew] = asArray(backOff);
      return { untilMs: Number(untilMs), isNew: isNew === 1 };
    },

    async setAside(receiver, entryId, reason, nowMs) {
      const keys = [queueKey(receiver), setAsideKey(receiver), stateKey(receiver)];
      await redis.eval(SET_ASIDE, keys, [entryId, reason, String(nowMs)]);
    },

    async tidy(receivers, nowMs) {
      const keys = receivers.flatMap(({ name }) => [queueKey(name), setAsideKey(name), stateKey(name)]);
      const values = receivers.flatMap(({ name, events }) => [name, JSON.stringify({ events, at: nowMs })]);
      const limits = [String(nowMs), String(queueMax)];
      const reply = await redis.eval(TIDY, [RECEIVERS_KEY, ...keys], [...limits, ...values]);
      const [queues, gone] = asArray(reply).map(asArray);
      return {
        queues: receivers.map(({ name }, i) => {
          const [dropped, expired, untilMs, tried, retried] = asArray(queues?.[i]);
          return {
            receiver: name,
            dropped: Number(dropped),
            expired: Number(expired),
            backingOffUntilMs: Number(untilMs ?? 0),
            tried: textOrNull(tried),
            retried: textOrNull(retried),
          };
        }),
        gone: (gone ?? []).map((each) => {
          const [receiver, dropped] = asArray(each);
          return { receiver: String(receiver), dropped: Number(dropped) };
        }),
      };
    },
  };
}

/** What a script says of an event in these queues: an id for each, empty if Redis rejected it. */
export function queuedFor(
  receivers: readonly string[],
  entryIds: unknown,
): { readonly queuedFor?: readonly QueuedFor[] } {
  if (!Array.isArray(entryIds) || receivers.length === 0) return {};
  return {
    queuedFor: receivers.map((receiver, i) => ({
      receiver,
      entryId: nonEmptyTextOrNull((entryIds as unknown[])[i]),
    })),
  };
}
