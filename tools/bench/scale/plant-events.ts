import { crc32 } from 'node:zlib';
import type { Redis } from 'ioredis';
import { encodeActivity } from '../../../src/activity/activity-encoding.ts';
import type { Activity } from '../../../src/activity/events.ts';
import { OUTBOX_KEY } from '../../../src/activity/redis-outbox.ts';
import { newSessionId, type UserId } from '../../../src/lib/ids.ts';
import { uuidV7 } from '../../../src/lib/ids.ts';
import { clientOf, userIdOf, usernameOf } from '../people.ts';
import { PEOPLE } from './stage.ts';

const BATCH = 5000;
/** A prime: no two neighbours in the outbox are neighbours in the table of users. */
const STRIDE = 7919;
/** Time between two events: the pace of a million a day. */
const STEP_MS = 86;

export interface PlantedEvents {
  logins: number;
  logouts: number;
  /** Sum of the CRC-32 of every id: the rows must have the same one. */
  idChecksum: number;
  /** What the events themselves take, without what Redis needs around them. */
  payloadBytes: number;
  /** What Redis's memory grew by. */
  redisBytes: number;
}

/** Fills the outbox with sign-ins and sign-outs in turn, as an outage of MySQL leaves them behind. */
export async function plantEvents(redis: Redis, count: number): Promise<PlantedEvents> {
  const before = await usedMemory(redis);
  const planted = { logins: 0, logouts: 0, idChecksum: 0, payloadBytes: 0 };
  const startMs = Date.now() - count * STEP_MS;
  for (let first = 0; first < count; first += BATCH) {
    const pipeline = redis.pipeline();
    for (let i = first; i < Math.min(first + BATCH, count); i += 1) {
      const activity = activityOf(i, startMs + i * STEP_MS);
      const event = encodeActivity(activity);
      pipeline.xadd(OUTBOX_KEY, '*', 'event', event);
      planted[activity.type === 'login' ? 'logins' : 'logouts'] += 1;
      planted.idChecksum += crc32(activity.id);
      planted.payloadBytes += Buffer.byteLength(event);
    }
    await pipeline.exec();
  }
  return { ...planted, redisBytes: (await usedMemory(redis)) - before };
}

function activityOf(index: number, atMs: number): Activity {
  const person = (index * STRIDE) % PEOPLE;
  const common = {
    id: uuidV7(atMs),
    userId: userIdOf(person) as UserId,
    username: usernameOf(person),
    sessionId: newSessionId(),
    client: clientOf(person),
  };
  return index % 2 === 0
    ? { type: 'login', outcome: 'success', occurredAtMs: atMs, ...common }
    : { type: 'logout', reason: 'logout', loggedOutAtMs: atMs, ...common };
}

/** Bytes that Redis has taken for everything, in all. */
async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}
