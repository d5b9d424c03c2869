import { parseActivity, encodeActivity } from '../activity/activity-encoding.ts';
import { OUTBOX_KEY } from '../activity/redis-outbox.ts';
import { storeUnavailable } from '../errors.ts';
import { textOrNull } from '../lib/text.ts';
import type { RedisClient } from '../store/redis-client.ts';
import { checkRecord, decodeRecord, encodeSession, encodeTombstone, kindLetter } from './record.ts';
import { endsAtMs, isExpired } from './rules.ts';
import { cutoffKey, indexKey, PASSWORD_CHANGES_KEY, receiptKey, recordKey, signInKey } from './redis-keys.ts';
import { ABANDON, END, END_OTHERS, LIST, REFRESH, RENEW, REVOKE, START } from './scripts.ts';
import {
  ABANDONED_TOKEN_SECONDS,
  CUTOFF_SECONDS,
  RECEIPT_SECONDS,
  SIGN_IN_FORM_SECONDS,
  type Credential,
  type Operation,
  type RecordedLogout,
  type RevokeScope,
  type SessionStore,
} from './session-store.ts';
import type { InvalidCheck, Session } from './session.ts';

/** Sessions in Redis: redis-keys.ts lists the keys, record.ts has the form of a record, scripts.ts each atomic step. */
export function redisSessionStore(redis: RedisClient): SessionStore {
  return {
    async check({ tokenHash, kind }, nowMs) {
      return checkRecord(await redis.get(recordKey(tokenHash)), kind, nowMs);
    },

    async refresh(tokenHash, session) {
      const reply = await redis.eval(
        REFRESH,
        [recordKey(tokenHash)],
        [session.id, String(session.lastSeenAtMs), encodeSession(session), String(endsAtMs(session))],
      );
      return reply === 1;
    },

    async start({ tokenHash, session, login, replaces, form, maxSessionsPerUser, checkedFromMs, operation }) {
      const reply = await redis.eval(
        START,
        [
          OUTBOX_KEY,
          recordKey(tokenHash),
          indexKey(session.userId),
          cutoffKey(session.userId),
          ...replaces.map(recordKey),
          ...(form === null ? [] : [signInKey(form)]),
        ],
        [
          encodeOperation(operation, { checkedFrom: checkedFromMs }),
          encodeSession(session),
          String(endsAtMs(session)),
          encodeActivity(login),
          String(maxSessionsPerUser),
          String(replaces.length),
          String(SIGN_IN_FORM_SECONDS),
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
        [recordKey(tokenHash), indexKey(session.userId)],
        [session.id, tombstone, String(ABANDONED_TOKEN_SECONDS)],
      );
    },

    async end(tokenHashes, kind, reason, operation) {
      const reply = await redis.eval(
        END,
        [OUTBOX_KEY, receiptKey(operation), ...tokenHashes.map(recordKey)],
        [encodeOperation(operation), kindLetter(kind), reason],
      );
      return readLogouts(reply);
    },

    async revoke({ tokenHash, kind }, scope, operation) {
      const reply = await redis.eval(
        REVOKE,
        [OUTBOX_KEY, receiptKey(operation), recordKey(tokenHash)],
        [encodeOperation(operation), kindLetter(kind), scopeWord(scope)],
      );
      const [status, detail] = asArray(reply);
      if (status === 'not_found') return { status };
      if (status === 'revoked') return { status, logouts: readLogouts(detail) };
      return invalidCheck(detail, kind, operation.nowMs);
    },

    async list({ tokenHash, kind }, nowMs) {
      const reply = await redis.eval(LIST, [recordKey(tokenHash)], [JSON.stringify({ now: nowMs })]);
      const [own, ...records] = asArray(reply);
      const check = checkRecord(textOrNull(own), kind, nowMs);
      if (check.status === 'invalid') return check;
      const sessions = records.flatMap((raw) => readSession(raw) ?? []);
      sessions.sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
      return { ...check, sessions: sessions.filter((session) => !isExpired(session, nowMs)) };
    },

    async renew({ tokenHash, kind }, newTokenHash, { id, userId, username }, operation, isCopy = false) {
      const reply = await redis.eval(
        RENEW,
        [
          OUTBOX_KEY,
          receiptKey(operation),
          recordKey(tokenHash),
          recordKey(newTokenHash),
          cutoffKey(userId),
          indexKey(userId),
          PASSWORD_CHANGES_KEY,
        ],
        [
          encodeOperation(operation),
          kindLetter(kind),
          userId,
          username,
          newTokenHash,
          id,
          tokenHash,
          isCopy ? 'copy' : '',
        ],
      );
      const [status, raw, logouts] = asArray(reply);
      if (status === 'superseded') return { status };
      const session = status === 'renewed' ? readSession(raw) : null;
      if (session === null) return invalidCheck(raw, kind, operation.nowMs);
      return { status: 'renewed', session, logouts: readLogouts(logouts) };
    },

    async endOthers({ userId, username }, keep, operation, onlyIfPending = false) {
      const reply = await redis.eval(
        END_OTHERS,
        [
          OUTBOX_KEY,
          receiptKey(operation),
          recordKey(keep),
          cutoffKey(userId),
          indexKey(userId),
          PASSWORD_CHANGES_KEY,
        ],
        [encodeOperation(operation), userId, username, keep, onlyIfPending ? 'pending' : ''],
      );
      return readLogouts(reply);
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
    ...more,
  });
}

const scopeWord = (scope: RevokeScope): string => (typeof scope === 'string' ? scope : scope.only);

function readSession(raw: unknown): Session | null {
  const record = typeof raw === 'string' ? decodeRecord(raw) : null;
  return record !== null && 'session' in record ? record.session : null;
}

/** The script found no open session; a record that says otherwise can't be trusted either. */
function invalidCheck(raw: unknown, kind: Credential['kind'], nowMs: number): InvalidCheck {
  const check = checkRecord(textOrNull(raw), kind, nowMs);
  return check.status === 'invalid' ? check : { status: 'invalid', reason: 'unknown' };
}

export function readLogouts(value: unknown): RecordedLogout[] {
  return asArray(value).map((pair) => {
    const [entryId, event] = asArray(pair);
    const activity = parseActivity(event);
    if (typeof entryId !== 'string' || activity?.type !== 'logout') throw unexpectedReply();
    return { entryId, activity };
  });
}

export function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpectedReply();
  return value;
}

/** Something other than our script replied: that says neither "signed in" nor "signed out". */
const unexpectedReply = () => storeUnavailable('redis', 'protocol');
