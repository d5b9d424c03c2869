import {
  QUEUE_KEY_PREFIX,
  queueKey,
  RECEIVERS_KEY,
  setAsideKey,
  stateKey,
} from '../../../src/activity/redis-webhook-queue.ts';
import { EVENT_KINDS, type EventKind } from '../../../src/lib/event-receivers.ts';
import { asArray } from '../../../src/store/redis-reply.ts';
import { textOf } from '../../../src/lib/text.ts';
import type { RedisClient } from '../../../src/store/redis-client.ts';
import type { WebhookAdmin, WebhookStatus } from './webhook-admin.ts';

/**
 * KEYS: receivers. Returns {{name, what RECEIVERS_KEY has of it, pending, id of the oldest or false, set aside, {field,
 * value...} of its state}...}. Without the flag `no-writes` it would be refused when Redis is full.
 */
const STATUS = /* lua */ `#!lua flags=no-writes
local known = redis.call('HGETALL', KEYS[1])
local found = {}
for i = 1, #known, 2 do
  local queue = '${QUEUE_KEY_PREFIX}' .. known[i]
  local oldest = redis.call('XRANGE', queue, '-', '+', 'COUNT', 1)[1]
  found[#found + 1] = {known[i], known[i + 1], redis.call('XLEN', queue), oldest and oldest[1] or false,
    redis.call('XLEN', queue .. ':set-aside'), redis.call('HGETALL', queue .. ':state')}
end
return found`;

/** Events moved by one script. */
const RETRY_BATCH_SIZE = 500;
/** KEYS: set aside. Returns {{id of the newest, fields}}, or nothing. */
const NEWEST = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)`;
/** KEYS: set aside, queue. ARGV: id of the last to move, limit. Returns how many it moved. A full Redis refuses it whole. */
const RETRY = /* lua */ `#!lua flags=allow-key-locking
local entries = redis.call('XRANGE', KEYS[1], '-', ARGV[1], 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  local event = ''
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'event' then event = entry[2][i + 1] end
  end
  redis.call('XADD', KEYS[2], '*', 'event', event)
  redis.call('XDEL', KEYS[1], entry[1])
end
return #entries`;
/** KEYS: set aside, state. Returns how many events it deleted. */
const CLEAR = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local count = redis.call('XLEN', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], 'dropped', 'dropped_logged')
return count`;

/** The queues of `redisWebhookQueue`. */
export function redisWebhookAdmin(redis: RedisClient): WebhookAdmin {
  return {
    async status() {
      const found = asArray(await redis.eval(STATUS, [RECEIVERS_KEY], []));
      return found.map(readStatus).sort((a, b) => (a.receiver < b.receiver ? -1 : 1));
    },

    async retry(receiver, moved) {
      const keys = [setAsideKey(receiver), queueKey(receiver)];
      const [newest] = asArray(await redis.eval(NEWEST, keys.slice(0, 1), []));
      if (newest === undefined) return;
      // Only what is there now: the receiver may refuse it again meanwhile.
      const range = [textOf(asArray(newest)[0]), String(RETRY_BATCH_SIZE)];
      for (let count = RETRY_BATCH_SIZE; count === RETRY_BATCH_SIZE;) {
        count = Number(await redis.eval(RETRY, keys, range));
        moved(count);
      }
    },

    async clear(receiver) {
      return Number(await redis.eval(CLEAR, [setAsideKey(receiver), stateKey(receiver)], []));
    },
  };
}

function readStatus(value: unknown): WebhookStatus {
  const [receiver, configured, pending, oldest, setAside, fields] = asArray(value);
  const state = new Map<string, string>();
  for (let i = 0, texts = asArray(fields).map(textOf); i < texts.length; i += 2)
    state.set(texts[i] ?? '', texts[i + 1] ?? '');
  const number = (name: string): number => Number(state.get(name) ?? 0);
  return {
    receiver: textOf(receiver),
    events: readEvents(textOf(configured)),
    pending: Number(pending),
    oldestAtMs: typeof oldest === 'string' ? Number.parseInt(oldest, 10) : null,
    setAside: Number(setAside),
    dropped: number('dropped'),
    failures: number('failures'),
    backingOffUntilMs: number('until') || null,
    acceptedAtMs: number('accepted_at') || null,
    failedAtMs: number('failed_at') || null,
    error: state.get('error') ?? null,
  };
}

function readEvents(configured: string): readonly EventKind[] {
  try {
    const { events } = JSON.parse(configured) as { events: readonly unknown[] };
    return EVENT_KINDS.filter((kind) => events.includes(kind));
  } catch {
    return [];
  }
}
