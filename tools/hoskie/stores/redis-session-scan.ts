import type { SessionId } from '../../../src/lib/ids.ts';
import { textOf } from '../../../src/lib/text.ts';
import { decodeSession } from '../../../src/session/record.ts';
import {
  endsKey,
  indexKey,
  OLDEST_ENDS_KEY,
  recordKey,
  SESSION_KEY_PREFIX,
} from '../../../src/session/redis-keys.ts';
import { minuteOf } from '../../../src/session/rules.ts';
import { READ_SESSION } from '../../../src/session/script-functions.ts';
import { asArray, unexpectedReply } from '../../../src/store/redis-reply.ts';
import { EXPIRED_KEPT_SECONDS } from '../../../src/session/session-store.ts';
import type { Session } from '../../../src/session/session.ts';
import type { TokenHash } from '../../../src/session/token.ts';
import type { RedisClient } from '../../../src/store/redis-client.ts';
import type { FoundSession } from './session-admin.ts';
import type { SessionScan } from './session-scan.ts';

const SCAN_COUNT = 500;
/** Sets looked at, and about as many members read, by one script. */
const MINUTES = 1000;
const MEMBERS = 2000;

/**
 * KEYS: records. Returns {Redis's time in ms, {raw or false...}}. A script, because a plain read may be served by a replica
 * that lags behind.
 */
const READ_RECORDS = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), redis.call('MGET', unpack(KEYS))}`;

/** KEYS: an index for each session. ARGV: the sessions' ids. Returns the ids of those to which it doesn't lead. */
const FIND_UNLISTED = /* lua */ `${READ_SESSION}
local unlisted = {}
for i, index in ipairs(KEYS) do
  local hash = redis.call('HGET', index, ARGV[i])
  local raw = hash and redis.call('GET', '${SESSION_KEY_PREFIX}' .. hash)
  -- Of a damaged record, the index says whose it is.
  local session = raw and (read_session(raw) or {id = ARGV[i]})
  if not session or session.id ~= ARGV[i] then unlisted[#unlisted + 1] = ARGV[i] end
end
return unlisted`;

/** KEYS: the oldest minute. Returns {it or false, Redis's time in s}. */
const READ_OLDEST = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return {redis.call('GET', KEYS[1]), redis.call('TIME')[1]}`;

/**
 * KEYS: sets of minutes. ARGV: how many members to read. Returns {how many sets it has read, {member...}}: at least one, if
 * it has no more than that.
 */
const READ_SETS = /* lua */ `#!lua flags=allow-key-locking,allow-oom
local members = {}
for i, key in ipairs(KEYS) do
  if #members + redis.call('SCARD', key) > tonumber(ARGV[1]) then return {i - 1, members} end
  for _, member in ipairs(redis.call('SMEMBERS', key)) do members[#members + 1] = member end
end
return {#KEYS, members}`;

/** KEYS: a set. ARGV: cursor, about how many members. Returns {next cursor, {member...}}. */
const SCAN_SET = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])`;

/** Reads the keys of `redisSessionStore` and `redisSessionEnds`. */
export function redisSessionScan(redis: RedisClient): SessionScan {
  const readRecords = async (tokenHashes: readonly TokenHash[]) => {
    const found: FoundSession[] = [];
    if (tokenHashes.length === 0) return { nowMs: 0, found };
    const reply = asArray(await redis.eval(READ_RECORDS, tokenHashes.map(recordKey), []));
    const [nowMs, records] = [Number(reply[0]), asArray(reply[1])];
    tokenHashes.forEach((tokenHash, i) => {
      const session = decodeSession(textOf(records[i]));
      if (session !== null) found.push({ session, tokenHash });
    });
    return { nowMs, found };
  };

  return {
    async scan(from) {
      const { cursor, keys } = await redis.scan(from ?? '0', SCAN_COUNT);
      const tokenHashes = keys
        .filter((key) => key.startsWith(SESSION_KEY_PREFIX))
        .map((key) => key.slice(SESSION_KEY_PREFIX.length) as TokenHash);
      const { nowMs, found } = await readRecords(tokenHashes);
      return { cursor: cursor === '0' ? null : cursor, keys: keys.length, nowMs, sessions: found };
    },

    async readAgain(tokenHashes) {
      const sessions = new Map<TokenHash, Session>();
      for (let i = 0; i < tokenHashes.length; i += SCAN_COUNT) {
        const { found } = await readRecords(tokenHashes.slice(i, i + SCAN_COUNT));
        for (const { tokenHash, session } of found) sessions.set(tokenHash, session);
      }
      return sessions;
    },

    async findUnlisted(sessions) {
      if (sessions.length === 0) return [];
      const indexes = sessions.map(({ userId }) => indexKey(userId));
      const ids = sessions.map(({ sessionId }) => sessionId);
      return asArray(await redis.eval(FIND_UNLISTED, indexes, ids)).map((id) => textOf(id) as SessionId);
    },

    async *readMinutes(lastMinute) {
      const [oldest, seconds] = asArray(await redis.eval(READ_OLDEST, [OLDEST_ENDS_KEY], []));
      const keptFrom = minuteOf((Number(seconds) - EXPIRED_KEPT_SECONDS) * 1000) - 1;
      for (let minute = oldest === null ? keptFrom : Number(oldest); minute <= lastMinute;) {
        const length = Math.min(MINUTES, lastMinute - minute + 1);
        const keys = Array.from({ length }, (_, i) => endsKey(minute + i));
        const [read, members] = asArray(await redis.eval(READ_SETS, keys, [String(MEMBERS)]));
        if (typeof read !== 'number') throw unexpectedReply();
        if (read > 0) yield asArray(members).map(tokenHashOf);
        else yield* scanSet(keys[0] ?? '');
        minute += Math.max(read, 1);
      }
    },
  };

  /** A set that is too large to be read at once. */
  async function* scanSet(key: string): AsyncGenerator<TokenHash[]> {
    let cursor = '0';
    do {
      const [next, members] = asArray(await redis.eval(SCAN_SET, [key], [cursor, String(MEMBERS)]));
      yield asArray(members).map(tokenHashOf);
      cursor = textOf(next);
    } while (cursor !== '0');
  }
}

const tokenHashOf = (value: unknown): TokenHash => textOf(value) as TokenHash;
