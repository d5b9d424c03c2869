import type { Activity } from '../../src/activity/events.ts';
import type { SessionId, UserId } from '../../src/lib/ids.ts';
import { isExpired, minuteOf } from '../../src/session/rules.ts';
import type { Session } from '../../src/session/session.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { count, note } from './output.ts';
import type { SignIn } from './stores/record-search.ts';
import type { FoundSession } from './stores/session-admin.ts';
import type { Stores } from './stores.ts';

/** How the two stores can differ, and what `atMs` is then. */
export const DIFFERENCE_KINDS = [
  /** A sign-in whose session is neither in Redis nor recorded as ended; when it signed in. */
  'no_end',
  /** Open, though it is recorded as ended; when it ended. */
  'open_after_end',
  /** Open, without the row of its sign-in; when it began. */
  'no_sign_in',
  /** Expired minutes ago, and the cron hasn't recorded it; when it expired. */
  'end_overdue',
  /** Open, but the cron won't look whether it has expired; when it would. */
  'end_not_awaited',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  readonly userId: UserId;
  readonly sessionId: SessionId;
  /** Unix ms. */
  readonly atMs: number;
}

/** A session in Redis that seems to differ from the record. */
export interface Suspect extends FoundSession {
  readonly kind: Exclude<DifferenceKind, 'no_end'>;
  readonly atMs: number;
}

/** Events of the outbox, or rows, looked at by one command or statement. */
const BATCH_SIZE = 500;
/** For what the Worker's clock, and the time that reading takes, may add. */
const MINUTES_MORE = 10;

/** The last minute that may list one of these sessions, if they are in use. */
export const lastMinuteOf = (
  sessions: readonly Pick<Session, 'expiresAtMs' | 'idleAgeSeconds'>[],
  nowMs: number,
): number =>
  sessions.reduce((last, { expiresAtMs, idleAgeSeconds }) => {
    const endMs = Math.min(expiresAtMs, nowMs + idleAgeSeconds * 1000);
    return Math.max(last, minuteOf(endMs) + MINUTES_MORE);
  }, 0);

/** Those that still differ: first their places in Redis are read again, then the outbox, then the rows. */
export async function confirmSuspects(stores: Stores, suspects: readonly Suspect[]): Promise<Difference[]> {
  if (suspects.length === 0) return [];
  const of = (kind: DifferenceKind): readonly Suspect[] => suspects.filter((each) => each.kind === kind);
  const notAwaited = await stillNotAwaited(stores, of('end_not_awaited'));
  const sessions = await stores.sessionScan.readAgain(suspects.map(({ tokenHash }) => tokenHash));
  const nowMs = await stores.sessionAdmin.nowMs();
  const unrecorded = await stillUnrecorded(stores, of('no_sign_in'));
  const differs = ({ kind, session: { id }, tokenHash }: Suspect): boolean => {
    const session = sessions.get(tokenHash);
    if (session?.id !== id) return false;
    switch (kind) {
      case 'end_overdue':
        return isExpired(session, nowMs);
      case 'open_after_end':
        return !isExpired(session, nowMs);
      case 'no_sign_in':
        return unrecorded.has(id);
      case 'end_not_awaited':
        return notAwaited.has(tokenHash) && !isExpired(session, nowMs);
    }
  };
  return suspects.filter(differs).map(({ kind, session, atMs }) => ({
    kind,
    userId: session.userId,
    sessionId: session.id,
    atMs,
  }));
}

async function stillNotAwaited(
  { sessionScan, sessionAdmin }: Stores,
  suspects: readonly Suspect[],
): Promise<ReadonlySet<TokenHash>> {
  const left = new Set(suspects.map(({ tokenHash }) => tokenHash));
  if (left.size === 0) return left;
  const sessions = suspects.map(({ session }) => session);
  const lastMinute = lastMinuteOf(sessions, await sessionAdmin.nowMs());
  for await (const tokenHashes of sessionScan.readMinutes(lastMinute))
    for (const tokenHash of tokenHashes) left.delete(tokenHash);
  return left;
}

async function stillUnrecorded(
  stores: Stores,
  suspects: readonly Suspect[],
): Promise<ReadonlySet<SessionId>> {
  const left = new Set(suspects.map(({ session }) => session.id));
  if (left.size === 0) return left;
  for await (const activity of pendingEvents(stores))
    if (activity.type === 'login' && activity.sessionId !== null) left.delete(activity.sessionId);
  for (const ids of batchesOf([...left]))
    for (const id of await stores.recordSearch.findSignIns(ids)) left.delete(id);
  return left;
}

/** Of sign-ins whose session was in Redis at no time of the scan, those whose end isn't pending or recorded by now. */
export async function confirmWithoutEnd(
  stores: Stores,
  signIns: ReadonlyMap<SessionId, SignIn>,
): Promise<Difference[]> {
  if (signIns.size === 0) return [];
  const left = new Map(signIns);
  for await (const activity of pendingEvents(stores))
    if (activity.type === 'logout') left.delete(activity.sessionId);
  for (const ids of batchesOf([...left.keys()]))
    for (const id of (await stores.recordSearch.findEnds(ids)).keys()) left.delete(id);
  return [...left.values()].map((signIn) => ({ kind: 'no_end', ...signIn }));
}

/** Events that have no row yet: delivery moves them from the outbox to those set aside, never back. */
async function* pendingEvents({ outbox, outboxAdmin }: Stores): AsyncGenerator<Activity> {
  let unreadable = 0;
  const pages = [
    (after: string | null) => outbox.readOldest(BATCH_SIZE, after),
    (after: string | null) => outboxAdmin.listSetAside(BATCH_SIZE, after),
  ];
  for (const readPage of pages) {
    for (let after: string | null = null; ;) {
      const entries: readonly { readonly entryId: string; readonly activity: Activity | null }[] =
        await readPage(after);
      for (const { activity } of entries) {
        if (activity === null) unreadable += 1;
        else yield activity;
      }
      after = entries.at(-1)?.entryId ?? null;
      if (entries.length < BATCH_SIZE) break;
    }
  }
  if (unreadable > 0)
    note(
      `hoskie: ${count(unreadable, 'event')} in the outbox can't be read here; what they say counts as missing.`,
    );
}

const batchesOf = (ids: readonly SessionId[]): SessionId[][] =>
  Array.from({ length: Math.ceil(ids.length / BATCH_SIZE) }, (_, i) =>
    ids.slice(i * BATCH_SIZE, (i + 1) * BATCH_SIZE),
  );
