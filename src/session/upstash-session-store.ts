import type { LogoutReason } from '../activity/events.ts';
import { parseRecordedActivity } from '../activity/activity-record.ts';
import type { RedisClient } from '../store/upstash-client.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import { decodeRecord, encodeSession, encodeTombstone, judgeRecord, kindLetter } from './record.ts';
import { endsAtMs, isExpired } from './rules.ts';
import type { Session } from './session.ts';
import {
  ABANDONED_TOKEN_SECONDS,
  OPERATION_RECEIPT_SECONDS,
  StartRefusedError,
  type Ending,
  type Holder,
  type RecordedLogout,
  type RevokeScope,
  type SessionStore,
} from './session-store.ts';
import type { TokenHash, UserId } from './token.ts';
import {
  ABANDON_SCRIPT,
  END_SCRIPT,
  INDEX_KEY_PREFIX,
  LIST_SCRIPT,
  OPERATION_KEY_PREFIX,
  REFRESH_SCRIPT,
  RENEW_SCRIPT,
  REVOKE_SCRIPT,
  SESSION_KEY_PREFIX,
  START_SCRIPT,
} from './upstash-scripts.ts';
import { encodeActivity } from '../activity/activity-record.ts';

/**
 * Sessions in Upstash Redis. Keys: `session:{token hash}` holds a record (record.ts) with a TTL to the session's
 * end, then a tombstone to its absolute end; `user-sessions:{user id}` is a hash from session id to token hash;
 * `operation:{id}` the receipt of an operation, for a short while.
 */
export function upstashSessionStore(redis: RedisClient): SessionStore {
  return {
    async check(holder, nowMs) {
      const text = await redis.get(recordKey(holder.tokenHash));
      return judgeRecord(text, holder.kind, nowMs);
    },

    async refresh(tokenHash, session) {
      const answer = await redis.eval(
        REFRESH_SCRIPT,
        [recordKey(tokenHash)],
        [session.id, String(session.lastSeenAtMs), encodeSession(session), String(endsAtMs(session))],
      );
      return answer === 1;
    },

    async start(request) {
      const { tokenHash, session, login, replaces, maxSessionsPerUser, ending } = request;
      const answer = await redis.eval(
        START_SCRIPT,
        [recordKey(tokenHash)],
        [
          scriptContext(ending, request.checkedFromMs),
          encodeSession(session),
          String(endsAtMs(session)),
          encodeActivity(login),
          String(maxSessionsPerUser),
          ...replaces,
        ],
      );
      const [started, logouts, loginEntryId] = asArray(answer);
      if (started !== 1) throw new StartRefusedError();
      return { loginEntryId: asText(loginEntryId), logouts: readLogouts(logouts) };
    },

    async abandon(tokenHash, session, nowMs) {
      const tombstone = encodeTombstone({
        sessionId: session.id,
        userId: session.userId,
        reason: 'abandoned',
        endedAtMs: nowMs,
        ipAddress: null,
      });
      await redis.eval(
        ABANDON_SCRIPT,
        [recordKey(tokenHash), INDEX_KEY_PREFIX + session.userId],
        [session.id, session.userId, tombstone, String(ABANDONED_TOKEN_SECONDS)],
      );
    },

    async end(tokenHashes, kind, reason, ending) {
      const answer = await redis.eval(
        END_SCRIPT,
        [receiptKey(ending)],
        [scriptContext(ending), kindLetter(kind), reason, ...tokenHashes],
      );
      return readLogouts(answer);
    },

    async revoke(holder, scope, ending) {
      const answer = await redis.eval(
        REVOKE_SCRIPT,
        [receiptKey(ending)],
        [scriptContext(ending), holder.tokenHash, kindLetter(holder.kind), ...scopeWords(scope)],
      );
      const [status, detail] = asArray(answer);
      if (status === 'not_found') return { status };
      if (status === 'revoked') return { status, logouts: readLogouts(detail) };
      return judgeInvalid(detail, holder.kind, ending.nowMs);
    },

    async list(holder, nowMs) {
      const answer = await redis.eval(LIST_SCRIPT, [], [JSON.stringify({ now: nowMs }), holder.tokenHash]);
      const [own, ...records] = asArray(answer);
      const check = judgeRecord(asText(own), holder.kind, nowMs);
      if (check.status === 'invalid') return check;
      const sessions = records.flatMap((text) => readSession(text) ?? []);
      sessions.sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
      return { ...check, sessions: sessions.filter((session) => !isExpired(session, nowMs)) };
    },

    async renew(holder, newTokenHash, ending, userId) {
      const answer = await redis.eval(
        RENEW_SCRIPT,
        [receiptKey(ending)],
        [scriptContext(ending), holder.tokenHash, kindLetter(holder.kind), newTokenHash, userId],
      );
      const [status, record, logouts] = asArray(answer);
      if (status === 'refused') throw new StartRefusedError();
      const session = status === 'renewed' ? readSession(record) : null;
      if (session === null) return judgeInvalid(record, holder.kind, ending.nowMs);
      return { status: 'renewed', session, logouts: readLogouts(logouts) };
    },
  };
}

const recordKey = (tokenHash: TokenHash): string => SESSION_KEY_PREFIX + tokenHash;
export const receiptKey = (ending: Ending): string => OPERATION_KEY_PREFIX + ending.operationId;

export function scriptContext({ nowMs, client, eventIds }: Ending, checkedFromMs = nowMs): string {
  return JSON.stringify({
    now: nowMs,
    checkedFrom: checkedFromMs,
    ip: client.ipAddress ?? '',
    userAgent: client.userAgent ?? '',
    country: client.country ?? '',
    idPrefix: eventIds.prefix,
    idFirst: eventIds.first,
    receiptSeconds: OPERATION_RECEIPT_SECONDS,
  });
}

/** The scope, the reason with which the others end, and whose they are where the holder may be gone. */
function scopeWords(scope: RevokeScope): [string, LogoutReason, ...UserId[]] {
  if ('only' in scope) return [scope.only, 'revoked'];
  if ('because' in scope) return [scope.all, scope.because, scope.userId];
  return [scope.all, scope.all === 'everywhere' ? 'logout_all' : 'logout_others'];
}

function readSession(value: unknown): Session | null {
  const text = asText(value);
  const record = text === null ? null : decodeRecord(text);
  return record !== null && 'session' in record ? record.session : null;
}

/** The script found the holder to be no session; a record that says otherwise cannot be believed either. */
function judgeInvalid(value: unknown, kind: Holder['kind'], nowMs: number) {
  const check = judgeRecord(asText(value), kind, nowMs);
  return check.status === 'invalid' ? check : ({ status: 'invalid', reason: 'unknown' } as const);
}

export function readLogouts(value: unknown): RecordedLogout[] {
  return asArray(value).map((pair) => {
    const [entryId, event] = asArray(pair);
    const activity = parseRecordedActivity(event);
    if (typeof entryId !== 'string' || activity?.type !== 'logout') throw unexpectedAnswer();
    return { entryId, activity };
  });
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpectedAnswer();
  return value;
}

const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Something that is not our script answered: no answer at all, so neither "signed in" nor "signed out". */
const unexpectedAnswer = (): StoreUnavailableError => new StoreUnavailableError('redis', 'protocol');
