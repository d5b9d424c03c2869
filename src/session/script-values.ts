import { parseActivity } from '../activity/activity-encoding.ts';
import { queuedFor } from '../activity/redis-webhook-queue.ts';
import type { EventStreams } from '../activity/webhook-queue.ts';
import { nonEmptyTextOrNull, textOrNull } from '../lib/text.ts';
import { asArray, unexpectedReply } from '../store/redis-reply.ts';
import { checkStored, chooseSession, decodeSession } from './record.ts';
import {
  CUTOFF_SECONDS,
  EXPIRED_KEPT_SECONDS,
  RECEIPT_SECONDS,
  TOMBSTONE_SECONDS,
  type OfferedTokens,
  type Operation,
  type RecordedLogout,
} from './session-store.ts';
import type { InvalidCheck, Session, SessionCheck } from './session.ts';

// What the scripts on sessions are given, and what they reply.

/** For which receivers events are queued. `stored`: for those that the Workers last had. */
export type Streams = EventStreams | 'stored';

/** The operation as the scripts read it: `now` and `checkedFrom` in Unix ms, absent texts empty. */
export function encodeOperation(
  { nowMs, client }: Operation,
  streams: Streams,
  more: { checkedFrom?: number } = {},
): string {
  return JSON.stringify({
    now: nowMs,
    ip: client.ipAddress ?? '',
    userAgent: client.userAgent ?? '',
    country: client.country ?? '',
    receiptSeconds: RECEIPT_SECONDS,
    cutoffSeconds: CUTOFF_SECONDS,
    tombstoneSeconds: TOMBSTONE_SECONDS,
    expiredKeptSeconds: EXPIRED_KEPT_SECONDS,
    ...(Object.keys(streams).length > 0 && { streams }),
    ...more,
  });
}

export function readSession(raw: unknown): Session | null {
  return typeof raw === 'string' ? decodeSession(raw) : null;
}

/** `stored`: two values of each token, in their order. */
export function checkOffered(
  stored: unknown,
  { kind, tokenHashes }: OfferedTokens,
  nowMs: number,
): SessionCheck {
  const values = asArray(stored);
  if (values.length !== 2 * tokenHashes.length) throw unexpectedReply();
  const checks = tokenHashes.map((tokenHash, i) => {
    const [record, tombstone] = [textOrNull(values[2 * i]), textOrNull(values[2 * i + 1])];
    return checkStored({ record, tombstone }, { kind, tokenHash }, nowMs);
  });
  return chooseSession(checks);
}

/** The script found no open session; a record that says otherwise can't be trusted either. */
export function invalidCheck(stored: unknown, offered: OfferedTokens, nowMs: number): InvalidCheck {
  const check = checkOffered(stored, offered, nowMs);
  return check.status === 'invalid' ? check : { status: 'invalid', reason: 'unknown' };
}

export function readLogouts(value: unknown, streams: Streams): RecordedLogout[] {
  return asArray(value).map((each) => {
    const [entryId, event, queued] = asArray(each);
    const activity = parseActivity(event);
    if (typeof entryId !== 'string' || activity?.type !== 'logout') throw unexpectedReply();
    return { entryId: nonEmptyTextOrNull(entryId), activity, ...queuedIn(streams, 'end', queued) };
  });
}

/** For whom an event was queued, from what `queue_event` returned. The operator's tool doesn't know the receivers and pushes nothing. */
export const queuedIn = (streams: Streams, kind: 'end' | 'start', entryIds: unknown) =>
  streams === 'stored' ? {} : queuedFor(streams[kind] ?? [], entryIds);
