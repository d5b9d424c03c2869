import { storeUnavailable } from '../../../src/errors.ts';
import type { RedisClient } from '../../../src/store/redis-client.ts';
import { parseActivity } from '../../../src/activity/activity-encoding.ts';
import type { OutboxAdmin, SetAsideEntry } from './outbox-admin.ts';
import { SET_ASIDE_KEY } from '../../../src/activity/redis-outbox.ts';

/** KEYS: stream. ARGV: from, to, limit. Returns {{entry id, {field, value...}}...}, oldest first. */
const RANGE_SCRIPT = `#!lua flags=allow-key-locking,allow-oom
return redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])`;

// A stream id: Unix ms and a sequence number.
const ENTRY_ID_PATTERN = /^\d{1,20}-\d{1,20}$/;

/** The stream of events that `redisOutbox` set aside. */
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
  };
}
