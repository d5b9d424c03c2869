import { storeUnavailable } from '../../../src/errors.ts';
import type { RedisClient } from '../../../src/store/redis-client.ts';
import { parseActivity } from '../../../src/activity/activity-encoding.ts';
import { queueKey, RECEIVERS_KEY, setAsideKey } from '../../../src/activity/redis-webhook-queue.ts';
import { textOf } from '../../../src/lib/text.ts';
import { asArray } from '../../../src/store/redis-reply.ts';
import type { OutboxAdmin, SetAsideEntry } from './outbox-admin.ts';
import { ATTEMPTS_KEY, OUTBOX_KEY, SET_ASIDE_KEY } from '../../../src/activity/redis-outbox.ts';

/** KEYS: stream. ARGV: from, to, limit. Returns {{entry id, {field, value...}}...}, oldest first. */
const RANGE_SCRIPT = `#!lua flags=allow-key-locking,allow-oom
return redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])`;

/**
 * Fields as `encodeActivity` writes them; a later version may have them too. An entry can't be changed, only replaced.
 * KEYS: stream. ARGV: user id, start, limit. Returns {how many it erased, id of the last entry, or false: no more follow}.
 */
const ERASE_SCRIPT = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local function erase(text)
  local ok, event = pcall(cjson.decode, text)
  if not ok or type(event) ~= 'table' or event.userId ~= ARGV[1] then return nil end
  local had_any = false
  for _, name in ipairs({'username', 'ip', 'userAgent'}) do
    if event[name] and event[name] ~= '' then event[name], had_any = '', true end
  end
  return had_any and cjson.encode(event)
end

local entries = redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])
local erased = 0
for _, entry in ipairs(entries) do
  local id, fields = entry[1], entry[2]
  for i = 1, #fields, 2 do
    local event = fields[i] == 'event' and erase(fields[i + 1])
    if event then
      fields[i + 1] = event
      redis.call('XADD', KEYS[1], '*', unpack(fields))
      redis.call('XDEL', KEYS[1], id)
      erased = erased + 1
    end
  end
end
return {erased, #entries == tonumber(ARGV[3]) and entries[#entries][1]}`;
/** KEYS: receivers. Returns their names. */
const RECEIVERS = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('HKEYS', KEYS[1])`;
/** Entries looked at by one script. */
const ERASE_BATCH_SIZE = 500;

// A stream id: Unix ms and a sequence number.
const ENTRY_ID_PATTERN = /^\d{1,20}-\d{1,20}$/;

/** The streams of `redisOutbox`. */
export function redisOutboxAdmin(redis: RedisClient): OutboxAdmin {
  const range = async (from: string, to: string, limit: number): Promise<SetAsideEntry[]> => {
    const entries = await redis.eval(RANGE_SCRIPT, [SET_ASIDE_KEY], [from, to, String(limit)]);
    if (!Array.isArray(entries)) throw storeUnavailable('redis', 'protocol');
    return (entries as [string, string[]][]).map(([entryId, fields]) => {
      const field = (name: string): string | undefined => {
        const at = fields.indexOf(name);
        return at < 0 ? undefined : fields[at + 1];
      };
      return {
        entryId,
        activity: parseActivity(field('event')),
        reason: field('reason') ?? '',
        setAsideAtMs: Number(field('at') ?? Number.parseInt(entryId, 10)),
      };
    });
  };

  return {
    // "(" excludes the entry itself (Redis 6.2).
    listSetAside: (limit, after) => range(after === null ? '-' : `(${after}`, '+', limit),
    findSetAside: async (entryId) =>
      ENTRY_ID_PATTERN.test(entryId) ? ((await range(entryId, entryId, 1))[0] ?? null) : null,
    async removeSetAside(entryIds) {
      if (entryIds.length > 0) await redis.xdel(SET_ASIDE_KEY, entryIds);
    },
    async erase(userId) {
      let count = 0;
      // Those set aside last: delivery may move an event there meanwhile.
      const receivers = asArray(await redis.eval(RECEIVERS, [RECEIVERS_KEY], [])).map(textOf);
      const queues = receivers.flatMap((name) => [queueKey(name), setAsideKey(name)]);
      for (const key of [OUTBOX_KEY, ATTEMPTS_KEY, SET_ASIDE_KEY, ...queues]) {
        for (let start = '-'; start !== '';) {
          const reply = await redis.eval(ERASE_SCRIPT, [key], [userId, start, String(ERASE_BATCH_SIZE)]);
          const [erased, last] = Array.isArray(reply) ? (reply as unknown[]) : [];
          if (typeof erased !== 'number') throw storeUnavailable('redis', 'protocol');
          count += erased;
          start = typeof last === 'string' ? `(${last}` : '';
        }
      }
      return count;
    },
  };
}
