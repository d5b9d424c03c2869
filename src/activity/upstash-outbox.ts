import { StoreUnavailableError } from '../store/store-call.ts';
import type { RedisClient } from '../store/upstash-client.ts';
import { encodeActivity, parseRecordedActivity } from './activity-record.ts';
import type { Outbox } from './outbox.ts';

/** Stream of events not yet in MySQL; a session script adds to it in the same step that ends a session. */
export const OUTBOX_KEY = 'outbox:pending';
/** Stream of events that MySQL refused for good: fields `event`, `reason` and `at` (Unix ms). */
export const SET_ASIDE_KEY = 'outbox:set-aside';

/** KEYS: pending. ARGV: event. Answers the entry's id. */
const ADD_SCRIPT = `#!lua flags=allow-key-locking
return redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])`;

/** KEYS: pending. ARGV: limit. Answers {{entry id, {field, value...}}...}, oldest first. */
const READ_SCRIPT = `#!lua flags=allow-key-locking
return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])`;

/** KEYS: pending, set aside. ARGV: entry id, reason, Unix ms. */
const SET_ASIDE_SCRIPT = `#!lua flags=allow-key-locking
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local event = ''
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'event' then event = entry[2][i + 1] end
end
redis.call('XADD', KEYS[2], '*', 'event', event, 'reason', ARGV[2], 'at', ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1`;

/** KEYS: pending, set aside. Answers {pending, set aside, id of the oldest pending entry or null}. */
const STATUS_SCRIPT = `#!lua flags=allow-key-locking
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return {redis.call('XLEN', KEYS[1]), redis.call('XLEN', KEYS[2]), oldest and oldest[1]}`;

/** The outbox as a Redis stream: its ids carry the time at which an event was put in and keep the order. */
export function upstashOutbox(redis: RedisClient): Outbox {
  return {
    async add(activity) {
      const entryId = await redis.eval(ADD_SCRIPT, [OUTBOX_KEY], [encodeActivity(activity)]);
      if (typeof entryId !== 'string') throw new StoreUnavailableError('redis', 'protocol');
      return { entryId, activity };
    },

    async readOldest(limit) {
      const entries = await redis.eval(READ_SCRIPT, [OUTBOX_KEY], [String(limit)]);
      if (!Array.isArray(entries)) throw new StoreUnavailableError('redis', 'protocol');
      return (entries as [string, string[]][]).map(([entryId, fields]) => ({
        entryId,
        activity: parseRecordedActivity(fields[fields.indexOf('event') + 1]),
      }));
    },

    async remove(entryIds) {
      if (entryIds.length > 0) await redis.xdel(OUTBOX_KEY, entryIds);
    },

    async setAside(entryId, reason, nowMs) {
      await redis.eval(SET_ASIDE_SCRIPT, [OUTBOX_KEY, SET_ASIDE_KEY], [entryId, reason, String(nowMs)]);
    },

    async status() {
      const answer = await redis.eval(STATUS_SCRIPT, [OUTBOX_KEY, SET_ASIDE_KEY], []);
      const [pending, setAside, oldestId] = Array.isArray(answer) ? (answer as unknown[]) : [];
      if (typeof pending !== 'number' || typeof setAside !== 'number') {
        throw new StoreUnavailableError('redis', 'protocol');
      }
      // A stream id is "<Unix ms>-<sequence>".
      const oldestAtMs = typeof oldestId === 'string' ? Number.parseInt(oldestId, 10) : null;
      return { pending, setAside, oldestAtMs };
    },
  };
}
