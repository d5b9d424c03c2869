import { OUTBOX_KEY, UNRECORDED_KEY } from '../../../src/activity/redis-outbox.ts';
import { storeUnavailable } from '../../../src/errors.ts';
import type { SessionId, UserId } from '../../../src/lib/ids.ts';
import { textOf } from '../../../src/lib/text.ts';
import { decodeSession } from '../../../src/session/record.ts';
import { isExpired } from '../../../src/session/rules.ts';
import { encodeOperation, readLogouts } from '../../../src/session/script-values.ts';
import { asArray } from '../../../src/store/redis-reply.ts';
import {
  cutoffKey,
  INDEX_KEY_PREFIX,
  SESSION_KEY_PREFIX,
  indexKey,
  receiptKey,
} from '../../../src/session/redis-keys.ts';
import { CUTOFF_SECONDS } from '../../../src/session/session-store.ts';
import type { TokenHash } from '../../../src/session/token.ts';
import type { RedisClient } from '../../../src/store/redis-client.ts';
import {
  CHECK_INDEX,
  END_UNREADABLE,
  FIND_INDEX,
  READ_CLOCK,
  READ_INDEX,
  SET_CUTOFF,
} from './admin-scripts.ts';
import type { FoundSession, IndexFault, SessionAdmin } from './session-admin.ts';

const SCAN_COUNT = 500;
/** How far a Worker's clock may be ahead of Redis's: a start carries the one's time, a cutoff the other's. */
export const CLOCK_MARGIN_MS = 1000;

/** Reads and repairs the keys of `redisSessionStore`. */
export function redisSessionAdmin(redis: RedisClient): SessionAdmin {
  const readIndex = async (
    userId: UserId,
    sessionId: SessionId | '',
    nowMs: number,
  ): Promise<FoundSession[]> => {
    const fields = asArray(await redis.eval(READ_INDEX, [indexKey(userId)], [sessionId]));
    const found: FoundSession[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const session = decodeSession(textOf(fields[i + 1]));
      if (session === null || session.userId !== userId || isExpired(session, nowMs)) continue;
      found.push({ session, tokenHash: textOf(fields[i]) as TokenHash });
    }
    return found.sort((a, b) => b.session.createdAtMs - a.session.createdAtMs);
  };
  const findOf = async (userId: UserId, sessionId: SessionId, nowMs: number): Promise<FoundSession | null> =>
    (await readIndex(userId, sessionId, nowMs)).find(({ session }) => session.id === sessionId) ?? null;

  return {
    async nowMs() {
      const nowMs = await redis.eval(READ_CLOCK, [], []);
      if (typeof nowMs !== 'number') throw storeUnavailable('redis', 'protocol');
      return nowMs;
    },

    listOf: (userId, nowMs) => readIndex(userId, '', nowMs),
    findOf,

    async find(sessionId, nowMs) {
      let cursor = '0';
      do {
        const step = await redis.scan(cursor, SCAN_COUNT);
        const indexes = step.keys.filter((key) => key.startsWith(INDEX_KEY_PREFIX));
        const key = indexes.length === 0 ? null : await redis.eval(FIND_INDEX, indexes, [sessionId]);
        if (typeof key === 'string') {
          return await findOf(key.slice(INDEX_KEY_PREFIX.length) as UserId, sessionId, nowMs);
        }
        cursor = step.cursor;
      } while (cursor !== '0');
      return null;
    },

    async refuseStartsUnderWay(userId) {
      const reply = await redis.eval(
        SET_CUTOFF,
        [cutoffKey(userId)],
        [String(CUTOFF_SECONDS), String(CLOCK_MARGIN_MS)],
      );
      if (reply !== 1) throw storeUnavailable('redis', 'protocol');
    },

    async endUnreadable(userId, reason, operation) {
      const reply = await redis.eval(
        END_UNREADABLE,
        [OUTBOX_KEY, UNRECORDED_KEY, receiptKey(operation), indexKey(userId)],
        [encodeOperation(operation, 'stored'), userId, reason],
      );
      return readLogouts(reply, 'stored');
    },

    keyCount: () => redis.keyCount(),

    async checkIndex(from, nowMs, repair) {
      const { cursor, keys } = await redis.scan(from ?? '0', SCAN_COUNT);
      const ours = keys.filter(
        (key) => key.startsWith(SESSION_KEY_PREFIX) || key.startsWith(INDEX_KEY_PREFIX),
      );
      const reply = asArray(
        ours.length === 0
          ? [0, 0, 0, []]
          : await redis.eval(CHECK_INDEX, ours, [JSON.stringify({ now: nowMs, repair })]),
      );
      const [openSessions = 0, listed = 0, expired = 0] = reply.slice(0, 3).map(Number);
      return {
        cursor: cursor === '0' ? null : cursor,
        keys: keys.length,
        openSessions,
        listed,
        expired,
        faults: asArray(reply[3]).map(readFault),
      };
    },
  };
}

function readFault(value: unknown): IndexFault {
  const [kind, userId, sessionId, repaired] = asArray(value);
  return {
    kind: kind as IndexFault['kind'],
    userId: userId === '' ? null : (textOf(userId) as UserId),
    sessionId: sessionId === '' ? null : (textOf(sessionId) as SessionId),
    isRepaired: repaired === 1,
  };
}
