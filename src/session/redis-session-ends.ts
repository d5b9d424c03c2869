import { OUTBOX_KEY, UNRECORDED_KEY } from '../activity/redis-outbox.ts';
import { NO_CLIENT } from '../lib/client-info.ts';
import { uuidV7 } from '../lib/ids.ts';
import { textOf } from '../lib/text.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { asArray, unexpectedReply } from '../store/redis-reply.ts';
import { decodeSession } from './record.ts';
import {
  ENDS_KEY_PREFIX,
  endedKey,
  endsKey,
  indexKey,
  OLDEST_ENDS_KEY,
  recordKey,
  SESSION_KEY_PREFIX,
} from './redis-keys.ts';
import { minuteOf } from './rules.ts';
import { END_SESSION, NOTE_END } from './script-functions.ts';
import { encodeOperation, readLogouts, type Streams } from './script-values.ts';
import type { EndingSession, SessionEnds } from './session-ends.ts';
import { EXPIRED_KEPT_SECONDS } from './session-store.ts';
import type { TokenHash } from './token.ts';

/** Without a noted minute, what Redis may still have begins this long ago. */
const KEPT_MINUTES = EXPIRED_KEPT_SECONDS / 60 + 1;

/**
 * Notes the first minute that has sessions, and finds the next one. It finds their keys as it goes: one or two, unless the
 * cron was away. A full Redis may reject the note: the next run looks at the same minutes again.
 * KEYS: the oldest minute. ARGV: where to begin without one, the current minute, the minute after which to look, or
 * empty. Returns a minute, or false.
 */
const FIND_OLDEST = /* lua */ `
local noted = tonumber(redis.call('GET', KEYS[1]))
local current, after = tonumber(ARGV[2]), tonumber(ARGV[3])
local minute = noted or tonumber(ARGV[1])
local function has_sessions()
  return redis.call('EXISTS', '${ENDS_KEY_PREFIX}' .. string.format('%.0f', minute)) == 1
end
local function move_on() while minute < current and not has_sessions() do minute = minute + 1 end end
move_on()
if minute ~= noted then redis.pcall('SET', KEYS[1], string.format('%.0f', minute)) end
if after and minute <= after then
  minute = after + 1
  move_on()
end
return minute <= current and has_sessions() and minute or false`;

/** KEYS: a minute's set. ARGV: cursor, count. Returns {next cursor, {token hash...}}. */
const READ_MINUTE = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])`;

/** KEYS: records. Returns {raw or false...}. */
const READ_RECORDS = /* lua */ `#!lua flags=allow-key-locking,allow-oom
return redis.call('MGET', unpack(KEYS))`;

/** A record that this release can't read is looked at again after so long, until a later one has ended it. */
const UNREADABLE_AGAIN_MS = 600_000;

/**
 * KEYS: outbox, unrecorded, the oldest minute, the minute's set, two of each token, then indexes of their users. ARGV:
 * operation, minute, how many tokens. Returns {{entry id, event}...}.
 */
export const END_EXPIRED = /* lua */ `${END_SESSION}${NOTE_END}
local is_over = operation.now >= (tonumber(ARGV[2]) + 1) * 60000
for i = 5, 4 + 2 * tonumber(ARGV[3]), 2 do
  local hash = string.sub(KEYS[i], ${SESSION_KEY_PREFIX.length + 1})
  local found = find(KEYS[i], KEYS[i + 1])
  local is_done = true
  if found and has_expired(found.session) then
    end_by(found, expiry_of(found.session))
  elseif found then
    -- Not before the minute is over, as it may be its own.
    is_done = is_over and note_end(hash, found.session.ends_at or operation.now + ${UNREADABLE_AGAIN_MS})
  end
  if is_done then redis.call('SREM', KEYS[4], hash) end
end
return logouts`;

/** When sessions end, in Redis: a set of token hashes for each minute. `streams`: for which receivers events are queued. */
export function redisSessionEnds(redis: RedisClient, streams: Streams = {}): SessionEnds {
  return {
    async findOldestMinute(nowMs, after = null) {
      const current = minuteOf(nowMs);
      const minute = await redis.eval(
        FIND_OLDEST,
        [OLDEST_ENDS_KEY],
        [String(current - KEPT_MINUTES), String(current), after === null ? '' : String(after)],
      );
      if (minute !== null && typeof minute !== 'number') throw unexpectedReply();
      return minute;
    },

    async readMinute(minute, from, limit) {
      const reply = await redis.eval(READ_MINUTE, [endsKey(minute)], [from ?? '0', String(limit)]);
      const [cursor, members] = asArray(reply);
      const hashes = asArray(members).map((hash) => textOf(hash) as TokenHash);
      const records = hashes.length === 0 ? [] : await redis.eval(READ_RECORDS, hashes.map(recordKey), []);
      return {
        sessions: asArray(records).map((raw, i) => ({
          tokenHash: hashes[i] as TokenHash,
          userId: typeof raw === 'string' ? (decodeSession(raw)?.userId ?? null) : null,
        })),
        cursor: cursor === '0' ? null : textOf(cursor),
      };
    },

    async endExpired(minute, sessions, nowMs) {
      if (sessions.length === 0) return [];
      const reply = await redis.eval(
        END_EXPIRED,
        [OUTBOX_KEY, UNRECORDED_KEY, OLDEST_ENDS_KEY, endsKey(minute), ...keysOf(sessions)],
        [
          encodeOperation({ id: uuidV7(nowMs), nowMs, client: NO_CLIENT }, streams),
          String(minute),
          String(sessions.length),
        ],
      );
      return readLogouts(reply, streams);
    },
  };
}

/** All that the end of these sessions touches, so that Upstash need not look for it while it locks everything. */
const keysOf = (sessions: readonly EndingSession[]): string[] => [
  ...sessions.flatMap(({ tokenHash }) => [recordKey(tokenHash), endedKey(tokenHash)]),
  ...new Set(sessions.flatMap(({ userId }) => (userId === null ? [] : indexKey(userId)))),
];
