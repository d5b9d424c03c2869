import { QUEUE_KEY_PREFIX, RECEIVERS_KEY } from '../../../src/activity/redis-webhook-queue.ts';
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

/** The queues of `redisWebhookQueue`. */
export function redisWebhookAdmin(redis: RedisClient): WebhookAdmin {
  return {
    async status() {
      const found = asArray(await redis.eval(STATUS, [RECEIVERS_KEY], []));
      return found.map(readStatus).sort((a, b) => (a.receiver < b.receiver ? -1 : 1));
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
