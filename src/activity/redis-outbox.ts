import { storeUnavailable } from '../errors.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { encodeActivity, parseActivity } from './activity-encoding.ts';
import type { Outbox } from './outbox.ts';

/** Stream of events not yet in MySQL. A session script adds to it in the same step that ends a session. */
export const OUTBOX_KEY = 'outbox:pending';
/** Stream of events that MySQL will never take: fields `event`, `reason` and `at` (Unix ms). */
export const SET_ASIDE_KEY = 'outbox:set-aside';

/** KEYS: pending. ARGV: event. Returns the entry's id. */
const ADD = /* lua */ `#!lua flags=allow-key-locking
return redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])`;

/** KEYS: pending. ARGV: limit, start. Returns {{entry id, {field, value...}}...}, oldest first. */
const READ_OLDEST = /* lua */ `#!lua flags=allow-key-locking
return redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[1])`;

/** KEYS: pending, set aside. ARGV: entry id, reason, Unix ms. Returns 1, or 0 if the entry is gone. */
const SET_ASIDE = /* lua */ `#!lua flags=allow-key-locking
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local event = ''
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'event' then event = entry[2][i + 1] end
end
redis.call('XADD', KEYS[2], '*', 'event', event, 'reason', ARGV[2], 'at', ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1`;

/** KEYS: pending, set aside. Returns {pending, set aside, id of the oldest pending entry}; the last is missing if none is pending. */
const STATUS = /* lua */ `#!lua flags=allow-key-locking
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return {redis.call('XLEN', KEYS[1]), redis.call('XLEN', KEYS[2]), oldest and oldest[1]}`;

/** The outbox as a Redis stream: an entry's id holds the time at which it was added, and keeps the order. */
export function redisOutbox(redis: RedisClient): Outbox {
  return {
    async add(activity) {
      const entryId = await redis.eval(ADD, [OUTBOX_KEY], [encodeActivity(activity)]);
      if (typeof entryId !== 'string') throw storeUnavailable('redis', 'protocol');
      return { entryId, activity };
    },

    async readOldest(limit, after = null) {
      // "(" excludes the entry itself (Redis 6.2).
      const start = after === null ? '-' : `(${after}`;
      const entries = await redis.eval(READ_OLDEST, [OUTBOX_KEY], [String(limit), start]);
      if (!Array.isArray(entries)) throw storeUnavailable('redis', 'protocol');
      return (entries as [string, string[]][]).map(([entryId, fields]) => ({
        entryId,
        activity: parseActivity(fields[fields.indexOf('event') + 1]),
      }));
    },

    async remove(entryIds) {
      if (entryIds.length > 0) await redis.xdel(OUTBOX_KEY, entryIds);
    },

    async setAside(entryId, reason, nowMs) {
      await redis.eval(SET_ASIDE, [OUTBOX_KEY, SET_ASIDE_KEY], [entryId, reason, String(nowMs)]);
    },

    async status() {
      const reply = await redis.eval(STATUS, [OUTBOX_KEY, SET_ASIDE_KEY], []);
      const [pending, setAside, oldestId] = Array.isArray(reply) ? (reply as unknown[]) : [];
      if (typeof pending !== 'number' || typeof setAside !== 'number') {
        throw storeUnavailable('redis', 'protocol');
      }
      // A stream id is "<Unix ms>-<sequence>".
      const oldestAtMs = typeof oldestId === 'string' ? Number.parseInt(oldestId, 10) : null;
      return { pending, setAside, oldestAtMs };
    },
  };
}
