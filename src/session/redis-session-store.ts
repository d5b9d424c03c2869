import { encodeActivity } from '../activity/activity-encoding.ts';
import { OUTBOX_KEY, UNRECORDED_KEY } from '../activity/redis-outbox.ts';
import type { SessionId } from '../lib/ids.ts';
import { textOf, textOrNull } from '../lib/text.ts';
import type { Settings } from '../settings.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { asArray, unexpectedReply } from '../store/redis-reply.ts';
import { encodeSession, encodeTombstone, kindLetter, newestFirst } from './record.ts';
import { endsAtMs, isExpired, minuteOf } from './rules.ts';
import {
  cutoffKey,
  endsKey,
  indexKey,
  OLDEST_ENDS_KEY,
  PASSWORD_CHANGES_KEY,
  receiptKey,
  recordKey,
  signInKey,
  tokenKeys,
} from './redis-keys.ts';
import {
  ABANDON,
  CHECK,
  END,
  END_AGAIN,
  END_OTHERS,
  LIST,
  REFRESH,
  RENEW,
  REVOKE,
  START,
} from './scripts.ts';
import {
  ABANDONED_TOKEN_SECONDS,
  allTokens,
  EXPIRED_KEPT_SECONDS,
  SIGN_IN_FORM_SECONDS,
  TOMBSTONE_SECONDS,
  type RevokeScope,
  type SessionStore,
} from './session-store.ts';
import type { Session } from './session.ts';
import {
  checkOffered,
  encodeOperation,
  invalidCheck,
  queuedIn,
  readLogouts,
  readSession,
  type Streams,
} from './script-values.ts';

/**
 * Sessions in Redis: redis-keys.ts lists the keys, record.ts has the form of a record, scripts.ts each atomic step.
 * `reads` is what `SESSION_READS` says, `streams` for which receivers events are queued.
 */
export function redisSessionStore(
  redis: RedisClient,
  reads: Settings['SESSION_READS'] = 'primary',
  streams: Streams = {},
): SessionStore {
  return {
    async check(offered, nowMs, { fromPrimary } = { fromPrimary: false }) {
      const keys = tokenKeys(offered.tokenHashes);
      const stored =
        reads === 'primary' || fromPrimary ? await redis.eval(CHECK, keys, []) : await redis.mget(keys);
      return checkOffered(stored, offered, nowMs);
    },

    async refresh(tokenHash, session) {
      const reply = await redis.eval(
        REFRESH,
        [recordKey(tokenHash)],
        [session.id, String(session.lastSeenAtMs), encodeSession(session), goneAtMs(session)],
      );
      return reply === 1;
    },

    async start({ tokenHash, session, login, replaces, form, maxSessionsPerUser, checkedFromMs, operation }) {
      const reply = await redis.eval(
        START,
        [
          OUTBOX_KEY,
          UNRECORDED_KEY,
          ...tokenKeys([tokenHash]),
          indexKey(session.userId),
          cutoffKey(session.userId),
          OLDEST_ENDS_KEY,
          endsKey(minuteOf(endsAtMs(session))),
          ...tokenKeys(replaces),
          ...(form === null ? [] : [signInKey(form)]),
        ],
        [
          encodeOperation(operation, streams, { checkedFrom: checkedFromMs }),
          encodeSession(session),
          goneAtMs(session),
          encodeActivity(login),
          String(maxSessionsPerUser),
          String(replaces.length),
          String(SIGN_IN_FORM_SECONDS),
        ],
      );
      const [status, logouts, loginEntryId, loginQueued] = asArray(reply);
      if (status === 'superseded') return { status };
      if (status !== 'started') throw unexpectedReply();
      const { queuedFor } = queuedIn(streams, 'start', loginQueued);
      return {
        status,
        loginEntryId: textOrNull(loginEntryId),
        ...(queuedFor !== undefined && { loginQueuedFor: queuedFor }),
        logouts: readLogouts(logouts, streams),
      };
    },

    async abandon(tokenHash, session, operation) {
      const tombstone = encodeTombstone({
        sessionId: session.id,
        userId: session.userId,
        reason: 'abandoned',
        endedAtMs: operation.nowMs,
        ipAddress: null,
      });
      const reply = await redis.eval(
        ABANDON,
        [OUTBOX_KEY, UNRECORDED_KEY, ...tokenKeys([tokenHash]), indexKey(session.userId)],
        [encodeOperation(operation, streams), session.id, tombstone, String(ABANDONED_TOKEN_SECONDS)],
      );
      return readLogouts(reply, streams);
    },

    async end(tokenHashes, kind, reason, operation) {
      const reply = await redis.eval(
        END,
        [OUTBOX_KEY, UNRECORDED_KEY, receiptKey(operation), ...tokenKeys(tokenHashes)],
        [encodeOperation(operation, streams), kindLetter(kind), reason],
      );
      return readLogouts(reply, streams);
    },

    async revoke(authorized, scope, operation) {
      const offered = allTokens(authorized);
      const reply = await redis.eval(
        REVOKE,
        [OUTBOX_KEY, UNRECORDED_KEY, receiptKey(operation), ...tokenKeys(offered.tokenHashes)],
        [
          encodeOperation(operation, streams),
          kindLetter(offered.kind),
          scopeWord(scope),
          String(authorized.tokenHashes.length),
        ],
      );
      const [status, detail] = asArray(reply);
      if (status === 'not_found') return { status };
      if (status === 'revoked') return { status, logouts: readLogouts(detail, streams) };
      return invalidCheck(detail, offered, operation.nowMs);
    },

    async list(offered, nowMs) {
      const operation = JSON.stringify({ now: nowMs });
      const reply = await redis.eval(LIST, tokenKeys(offered.tokenHashes), [
        operation,
        kindLetter(offered.kind),
      ]);
      const [own, records] = asArray(reply);
      const check = checkOffered(own, offered, nowMs);
      if (check.status === 'invalid') return check;
      const sessions = asArray(records).flatMap((raw) => readSession(raw) ?? []);
      sessions.sort(newestFirst);
      return { ...check, sessions: sessions.filter((session) => !isExpired(session, nowMs)) };
    },

    async renew({ tokenHash, kind }, newTokenHash, { id, userId, username }, operation, isCopy = false) {
      const offered = { kind, tokenHashes: [tokenHash] };
      const reply = await redis.eval(
        RENEW,
        [
          OUTBOX_KEY,
          UNRECORDED_KEY,
          receiptKey(operation),
          ...tokenKeys([newTokenHash]),
          cutoffKey(userId),
          indexKey(userId),
          PASSWORD_CHANGES_KEY,
          ...tokenKeys([tokenHash]),
        ],
        [
          encodeOperation(operation, streams),
          kindLetter(kind),
          userId,
          username,
          newTokenHash,
          id,
          tokenHash,
          isCopy ? 'copy' : '',
        ],
      );
      const [status, detail, ended] = asArray(reply);
      if (status === 'superseded') return { status };
      const logouts = readLogouts(ended, streams);
      if (status === 'invalid') return { ...invalidCheck(detail, offered, operation.nowMs), logouts };
      const session = readSession(detail);
      if (session === null) throw unexpectedReply();
      return { status: 'renewed', session, logouts };
    },

    async endOthers({ userId, username }, keep, operation, keepFromMs) {
      const reply = await redis.eval(
        END_OTHERS,
        [
          OUTBOX_KEY,
          UNRECORDED_KEY,
          receiptKey(operation),
          recordKey(keep),
          cutoffKey(userId),
          indexKey(userId),
          PASSWORD_CHANGES_KEY,
        ],
        [
          encodeOperation(operation, streams),
          userId,
          username,
          keep,
          keepFromMs === undefined ? '' : String(keepFromMs),
        ],
      );
      return readLogouts(reply, streams);
    },

    async endAgain(ended, nowMs) {
      if (ended.length === 0) return [];
      const operation = JSON.stringify({ now: nowMs, ip: '', tombstoneSeconds: TOMBSTONE_SECONDS });
      const reply = await redis.eval(
        END_AGAIN,
        ended.map(({ userId }) => indexKey(userId)),
        [operation, ...ended.flatMap(({ sessionId, reason }) => [sessionId, reason])],
      );
      return asArray(reply).map((id) => textOf(id) as SessionId);
    },
  };
}

/** When Redis forgets an expired session's record, in Unix ms, though the cron hasn't come to it. */
const goneAtMs = (session: Session): string => String(endsAtMs(session) + EXPIRED_KEPT_SECONDS * 1000);

const scopeWord = (scope: RevokeScope): string => (typeof scope === 'string' ? scope : scope.only);
