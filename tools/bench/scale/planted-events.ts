import { crc32 } from 'node:zlib';
import type { LocalCloud } from '../../local-cloud/local-cloud.ts';
import { dataBytes } from '../memory.ts';
import { encodedEvent, OUTBOX_KEY, SET_ASIDE_KEY } from '../seed.ts';

/** The owners of the events. */
export const USERS = 100_000;
const EVENTS_PER_PIPELINE = 5000;
/** A prime: neighbours in the outbox are no neighbours in the table of users. */
const STRIDE = 7919;
/** Between two events, at a million a day. */
const STEP_MS = 86;

export interface PlantedEvents {
  logins: number;
  logouts: number;
  /** Sum of the CRC-32 of all ids: that of the rows must be the same. */
  idChecksum: number;
  payloadBytes: number;
  /** How much Redis's memory grew. */
  redisBytes: number;
}

/** Empties the stores and fills the outbox with sign-ins and sign-outs in turn, as an outage of MySQL leaves them. */
export async function plantEvents(cloud: LocalCloud, count: number): Promise<PlantedEvents> {
  const { redis } = cloud;
  await emptyStores(cloud);
  const before = await dataBytes(redis);
  const planted = { logins: 0, logouts: 0, idChecksum: 0, payloadBytes: 0 };
  const startMs = Date.now() - count * STEP_MS;
  for (let first = 0; first < count; first += EVENTS_PER_PIPELINE) {
    const pipeline = redis.pipeline();
    for (let i = first; i < Math.min(first + EVENTS_PER_PIPELINE, count); i += 1) {
      const type = i % 2 === 0 ? 'login' : 'logout';
      const { id, event } = encodedEvent(type, (i * STRIDE) % USERS, startMs + i * STEP_MS);
      pipeline.xadd(OUTBOX_KEY, '*', 'event', event);
      planted[`${type}s`] += 1;
      planted.idChecksum += crc32(id);
      planted.payloadBytes += Buffer.byteLength(event);
    }
    await pipeline.exec();
  }
  return { ...planted, redisBytes: (await dataBytes(redis)) - before };
}

/** Throws unless each planted event has become one row and nothing else has. */
export async function checkRows(cloud: LocalCloud, planted: PlantedEvents): Promise<void> {
  let checksum = 0;
  for (const [table, expected] of [
    ['login_activity', planted.logins],
    ['logout_activity', planted.logouts],
  ] as const) {
    // The primary key forbids two rows with one id. Two rows for one session would be a copy of an event.
    const [row] = await cloud.query(
      `SELECT COUNT(*) AS total, COUNT(DISTINCT session_id) AS sessions, COALESCE(SUM(CRC32(id)), 0) AS checksum
       FROM ${table}`,
    );
    const [total, sessions] = [Number(row?.['total']), Number(row?.['sessions'])];
    if (total !== expected || sessions !== expected)
      throw new Error(
        `${table} has ${total} rows for ${sessions} sessions, but there were ${expected} events`,
      );
    checksum += Number(row?.['checksum']);
  }
  if (checksum !== planted.idChecksum) throw new Error('The ids of the rows are not those of the events');
  for (const key of [OUTBOX_KEY, SET_ASIDE_KEY]) {
    const left = await cloud.redis.xlen(key);
    if (left !== 0) throw new Error(`${left} events are left in ${key}`);
  }
}

/** Empties Redis and both activity tables, and forgets the calls. */
export async function emptyStores(cloud: LocalCloud): Promise<void> {
  await cloud.redis.flushdb();
  for (const table of ['login_activity', 'logout_activity']) await cloud.query(`TRUNCATE TABLE ${table}`);
  cloud.calls.length = 0;
}
