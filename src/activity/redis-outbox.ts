import { storeUnavailable } from '../errors.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { encodeActivity, parseActivity } from './activity-encoding.ts';
import { isFailedAttempt } from './events.ts';
import { ATTEMPTS_MAX, type Outbox, type OutboxEntry } from './outbox.ts';
import { queuedFor, queueKey, stateKey } from './redis-webhook-queue.ts';
import { QUEUED_FAILURES_MAX } from './webhook-queue.ts';

/** Stream of events not yet in MySQL. A session script adds to it in the same step that ends a session. */
export const OUTBOX_KEY = 'outbox:pending';
/**
 * Set of the ids of events that the outbox rejected and whose rows aren't known to exist. Best effort: a Redis that
 * rejects the event may reject this too.
 */
export const UNRECORDED_KEY = 'outbox:unrecorded';
/** Stream of failed attempts not yet in MySQL. */
export const ATTEMPTS_KEY = 'outbox:attempts';
/** How many failed attempts were dropped. */
const DROPPED_ATTEMPTS_KEY = 'outbox:dropped-attempts';
/** Stream of events that MySQL will never take: fields `event`, `reason` and `at` (Unix ms). */
export const SET_ASIDE_KEY = 'outbox:set-aside';

/** Written to see whether Redis takes writes. */
const PING_KEY = 'outbox:ping';
const PING_SECONDS = 60;

/** Follows the stream's id in the `entryId` of a failed attempt, as both streams may have the same id. */
const ATTEMPT_SUFFIX = '/attempt';

/** KEYS: pending. ARGV: event. Returns the entry's id. */
const ADD = /* lua */ `#!lua flags=allow-key-locking
return redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])`;

/**
 * KEYS: attempts, counter of those dropped, queue and state of each receiver that wants failures.
 * ARGV: event, most attempts to keep, length of a queue that takes no more of them.
 * Returns {the entry's id, its id in each queue, or empty: it is counted there, and no one pushes it}.
 */
const ADD_ATTEMPT = /* lua */ `#!lua flags=allow-key-locking
local ids = {redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])}
local dropped = redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', ARGV[2])
if dropped > 0 then redis.call('INCRBY', KEYS[2], dropped) end
for i = 3, #KEYS, 2 do
  local id = ''
  if redis.call('XLEN', KEYS[i]) < tonumber(ARGV[3]) then
    id = redis.call('XADD', KEYS[i], '*', 'event', ARGV[1])
  else
    redis.call('HINCRBY', KEYS[i + 1], 'dropped', 1)
  end
  ids[#ids + 1] = id
end
return ids`;

/**
 * KEYS: pending, attempts. ARGV: limit, start in pending (empty: past its end), start in attempts.
 * Returns {pending, attempts}, each {{entry id, {field, value...}}...}, oldest first.
 */
const READ_OLDEST = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local left = tonumber(ARGV[1])
local pending, attempts = {}, {}
if ARGV[2] ~= '' then pending = redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', left) end
left = left - #pending
if left > 0 then attempts = redis.call('XRANGE', KEYS[2], ARGV[3], '+', 'COUNT', left) end
return {pending, attempts}`;

/** KEYS: pending or attempts, set aside. ARGV: entry id, reason, Unix ms. Returns 1, or 0 if the entry is gone. */
const SET_ASIDE = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local event = ''
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'event' then event = entry[2][i + 1] end
end
redis.call('XADD', KEYS[2], '*', 'event', event, 'reason', ARGV[2], 'at', ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1`;

/** KEYS: unrecorded. ARGV: ids of events. Returns how many of them were there. */
const MARK_RECORDED = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('SREM', KEYS[1], unpack(ARGV))`;

/**
 * Without the flag `no-writes` it would be refused when Redis is full.
 * KEYS: pending, attempts, set aside, unrecorded, counter of dropped attempts. Returns {pending, attempts, set aside,
 * unrecorded, dropped attempts, id of the oldest pending entry or false, id of the oldest attempt or false}.
 */
const STATUS = /* lua */ `#!lua flags=allow-key-locking,no-writes
local function oldest(key)
  local entry = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  return entry and entry[1] or false
end
return {redis.call('XLEN', KEYS[1]), redis.call('XLEN', KEYS[2]), redis.call('XLEN', KEYS[3]),
  redis.call('SCARD', KEYS[4]), tonumber(redis.call('GET', KEYS[5]) or 0), oldest(KEYS[1]), oldest(KEYS[2])}`;

/** KEYS: any. ARGV: its lifetime in seconds. */
const PING = /* lua */ `#!lua flags=allow-key-locking
return redis.call('SET', KEYS[1], '', 'EX', ARGV[1])`;

/** The outbox as two Redis streams, whose ids are "<Unix ms>-<sequence>". `failureStreams`: receivers of failed attempts. */
export function redisOutbox(redis: RedisClient, failureStreams: readonly string[] = []): Outbox {
  return {
    async add(activity) {
      const event = encodeActivity(activity);
      if (!isFailedAttempt(activity)) {
        const id = await redis.eval(ADD, [OUTBOX_KEY], [event]);
        if (typeof id !== 'string') throw storeUnavailable('redis', 'protocol');
        return { entryId: id, activity };
      }
      const keys = failureStreams.flatMap((name) => [queueKey(name), stateKey(name)]);
      const limits = [String(ATTEMPTS_MAX), String(QUEUED_FAILURES_MAX)];
      const reply = await redis.eval(
        ADD_ATTEMPT,
        [ATTEMPTS_KEY, DROPPED_ATTEMPTS_KEY, ...keys],
        [event, ...limits],
      );
      const [id, ...queued] = Array.isArray(reply) ? (reply as unknown[]) : [];
      if (typeof id !== 'string') throw storeUnavailable('redis', 'protocol');
      const { queuedFor: places = [] } = queuedFor(failureStreams, queued);
      const queuedPlaces = places.filter(({ entryId }) => entryId !== null);
      return {
        entryId: id + ATTEMPT_SUFFIX,
        activity,
        ...(queuedPlaces.length > 0 && { queuedFor: queuedPlaces }),
      };
    },

    async readOldest(limit, after = null) {
      const reply = await redis.eval(
        READ_OLDEST,
        [OUTBOX_KEY, ATTEMPTS_KEY],
        [String(limit), ...startsAfter(after)],
      );
      const [pending, attempts] = Array.isArray(reply) ? (reply as unknown[]) : [];
      return [...readEntries(pending, ''), ...readEntries(attempts, ATTEMPT_SUFFIX)];
    },

    async remove(entryIds) {
      for (const [key, ids] of Map.groupBy(entryIds, keyOf)) await redis.xdel(key, ids.map(streamId));
    },

    async setAside(entryId, reason, nowMs) {
      const keys = [keyOf(entryId), SET_ASIDE_KEY];
      await redis.eval(SET_ASIDE, keys, [streamId(entryId), reason, String(nowMs)]);
    },

    async markRecorded(activityIds) {
      if (activityIds.length > 0) await redis.eval(MARK_RECORDED, [UNRECORDED_KEY], activityIds);
    },

    async status() {
      const keys = [OUTBOX_KEY, ATTEMPTS_KEY, SET_ASIDE_KEY, UNRECORDED_KEY, DROPPED_ATTEMPTS_KEY];
      const reply = await redis.eval(STATUS, keys, []);
      const [pending, attempts, setAside, unrecorded, droppedAttempts, ...oldest] = Array.isArray(reply)
        ? (reply as unknown[])
        : [];
      if (
        typeof pending !== 'number' ||
        typeof attempts !== 'number' ||
        typeof setAside !== 'number' ||
        typeof unrecorded !== 'number' ||
        typeof droppedAttempts !== 'number'
      ) {
        throw storeUnavailable('redis', 'protocol');
      }
      const times = oldest.flatMap((id) => (typeof id === 'string' ? Number.parseInt(id, 10) : []));
      return {
        pending: pending + attempts,
        setAside,
        unrecorded,
        droppedAttempts,
        oldestAtMs: times.length === 0 ? null : Math.min(...times),
      };
    },

    async ping() {
      await redis.eval(PING, [PING_KEY], [String(PING_SECONDS)]);
    },
  };
}

const keyOf = (entryId: string): string => (entryId.endsWith(ATTEMPT_SUFFIX) ? ATTEMPTS_KEY : OUTBOX_KEY);
const streamId = (entryId: string): string => entryId.replace(ATTEMPT_SUFFIX, '');

/** Where to go on after an entry, in each stream. "(" excludes the entry itself (Redis 6.2). */
function startsAfter(entryId: string | null): [pending: string, attempts: string] {
  if (entryId === null) return ['-', '-'];
  const start = `(${streamId(entryId)}`;
  return keyOf(entryId) === OUTBOX_KEY ? [start, '-'] : ['', start];
}

function readEntries(entries: unknown, suffix: string): OutboxEntry[] {
  if (!Array.isArray(entries)) throw storeUnavailable('redis', 'protocol');
  return (entries as [string, string[]][]).map(([id, fields]) => ({
    entryId: id + suffix,
    activity: parseActivity(fields[fields.indexOf('event') + 1]),
  }));
}
