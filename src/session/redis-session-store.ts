import { parseActivity, encodeActivity } from '../activity/activity-encoding.ts';
import { OUTBOX_KEY, UNRECORDED_KEY } from '../activity/redis-outbox.ts';
import { storeUnavailable } from '../errors.ts';
import type { SessionId } from '../lib/ids.ts';
import { nonEmptyTextOrNull, textOf, textOrNull } from '../lib/text.ts';
import type { Settings } from '../settings.ts';
import type { RedisClient } from '../store/redis-client.ts';
import {
  checkStored,
  chooseSession,
  decodeSession,
  encodeSession,
  encodeTombstone,
  kindLetter,
  newestFirst,
} from './record.ts';
import { endsAtMs, isExpired } from './rules.ts';
import { cutoffKey, indexKey, receiptKey, recordKey, tokenKeys } from './redis-keys.ts';
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
  CUTOFF_SECONDS,
  RECEIPT_SECONDS,
  TOMBSTONE_SECONDS,
  type OfferedTokens,
  type Operation,
  type RecordedLogout,
  type RevokeScope,
  type SessionStore,
} from './session-store.ts';
import type { InvalidCheck, Session, SessionCheck } from './session.ts';

/**
 * Sessions in Redis: redis-keys.ts lists the keys, record.ts has the form of a record, scripts.ts each atomic step.
 * `reads` is what `SESSION_READS` says.
 */
export function redisSessionStore(
  redis: RedisClient,
  reads: Settings['SESSION_READS'] = 'primary',
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
        [session.id, String(session.lastSeenAtMs), encodeSession(session), String(endsAtMs(session))],
      );
      return reply === 1;
    },

    async start({ tokenHash, session, login, replaces, maxSessionsPerUser, checkedFromMs, operation }) {
      const reply = await redis.eval(
        START,
        [
          OUTBOX_KEY,
          UNRECORDED_KEY,
          ...tokenKeys([tokenHash]),
          indexKey(session.userId),
          cutoffKey(session.userId),
          ...tokenKeys(replaces),
        ],
        [
          encodeOperation(operation, { checkedFrom: checkedFromMs }),
          encodeSession(session),
          String(endsAtMs(session)),
          encodeActivity(login),
          String(maxSessionsPerUser),
        ],
      );
      const [status, logouts, loginEntryId] = asArray(reply);
      if (status === 'superseded') return { status };
      if (status !== 'started') throw unexpectedReply();
      return { status, loginEntryId: textOrNull(loginEntryId), logouts: readLogouts(logouts) };
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
        ABANDON,
        [...tokenKeys([tokenHash]), indexKey(session.userId)],
        [session.id, tombstone, String(ABANDONED_TOKEN_SECONDS)],
      );
    },

    async end(tokenHashes, kind, reason, operation) {
      const reply = await redis.eval(
        END,
        [OUTBOX_KEY, UNRECORDED_KEY, receiptKey(operation), ...tokenKeys(tokenHashes)],
        [encodeOperation(operation), kindLetter(kind), reason],
      );
      return readLogouts(reply);
    },

    async revoke({ kind, tokenHashes, others }, scope, operation) {
      const offered = { kind, tokenHashes: [...tokenHashes, ...others] };
      const reply = await redis.eval(
        REVOKE,
        [OUTBOX_KEY, UNRECORDED_KEY, receiptKey(operation), ...tokenKeys(offered.tokenHashes)],
        [encodeOperation(operation), kindLetter(kind), scopeWord(scope), String(tokenHashes.length)],
      );
      const [status, detail] = asArray(reply);
      if (status === 'not_found') return { status };
      if (status === 'revoked') return { status, logouts: readLogouts(detail) };
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

    async renew({ tokenHash, kind }, newTokenHash, { userId, username }, operation) {
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
          ...tokenKeys([tokenHash]),
        ],
        [encodeOperation(operation), kindLetter(kind), userId, username, newTokenHash],
      );
      const [status, detail, ended] = asArray(reply);
      if (status === 'superseded') return { status };
      const logouts = readLogouts(ended);
      if (status === 'invalid') return { ...invalidCheck(detail, offered, operation.nowMs), logouts };
      const session = readSession(detail);
      if (session === null) throw unexpectedReply();
      return { status: 'renewed', session, logouts };
    },

    async endOthers({ userId, username }, keep, operation) {
      const reply = await redis.eval(
        END_OTHERS,
        [
          OUTBOX_KEY,
          UNRECORDED_KEY,
          receiptKey(operation),
          recordKey(keep),
          cutoffKey(userId),
          indexKey(userId),
        ],
        [encodeOperation(operation), userId, username],
      );
      return readLogouts(reply);
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

/** The operation as the scripts read it: `now` and `checkedFrom` in Unix ms, absent texts empty. */
export function encodeOperation({ nowMs, client }: Operation, more: { checkedFrom?: number } = {}): string {
  return JSON.stringify({
    now: nowMs,
    ip: client.ipAddress ?? '',
    userAgent: client.userAgent ?? '',
    country: client.country ?? '',
    receiptSeconds: RECEIPT_SECONDS,
    cutoffSeconds: CUTOFF_SECONDS,
    tombstoneSeconds: TOMBSTONE_SECONDS,
    ...more,
  });
}

const scopeWord = (scope: RevokeScope): string => (typeof scope === 'string' ? scope : scope.only);

function readSession(raw: unknown): Session | null {
  return typeof raw === 'string' ? decodeSession(raw) : null;
}

/** `stored`: two values of each token, in their order. */
function checkOffered(stored: unknown, { kind, tokenHashes }: OfferedTokens, nowMs: number): SessionCheck {
  const values = asArray(stored);
  if (values.length !== 2 * tokenHashes.length) throw unexpectedReply();
  const checks = tokenHashes.map((tokenHash, i) => {
    const [record, tombstone] = [textOrNull(values[2 * i]), textOrNull(values[2 * i + 1])];
    return checkStored({ record, tombstone }, { kind, tokenHash }, nowMs);
  });
  return chooseSession(checks);
}

/** The script found no open session; a record that says otherwise can't be trusted either. */
function invalidCheck(stored: unknown, offered: OfferedTokens, nowMs: number): InvalidCheck {
  const check = checkOffered(stored, offered, nowMs);
  return check.status === 'invalid' ? check : { status: 'invalid', reason: 'unknown' };
}

export function readLogouts(value: unknown): RecordedLogout[] {
  return asArray(value).map((pair) => {
    const [entryId, event] = asArray(pair);
    const activity = parseActivity(event);
    if (typeof entryId !== 'string' || activity?.type !== 'logout') throw unexpectedReply();
    return { entryId: nonEmptyTextOrNull(entryId), activity };
  });
}

export function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpectedReply();
  return value;
}

/** Something other than our script replied: that says neither "signed in" nor "signed out". */
const unexpectedReply = () => storeUnavailable('redis', 'protocol');
