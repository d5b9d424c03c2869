import type { SessionId } from '../../src/lib/ids.ts';
import { endsAtMs, isExpired } from '../../src/session/rules.ts';
import {
  confirmSuspects,
  confirmWithoutEnd,
  lastMinuteOf,
  type Difference,
  type DifferenceKind,
  type Suspect,
} from './confirm-differences.ts';
import { startProgress } from './progress.ts';
import type { SignIn } from './stores/record-search.ts';
import type { ScanStep } from './stores/session-scan.ts';
import type { Stores } from './stores.ts';
import { TokenSet } from './token-set.ts';

/** What the cron does within a minute or two is no difference before. */
const LATE_MS = 300_000;
/** Sessions looked up by one script. */
const LOOKUP_SIZE = 500;
/** So many suspects are looked at again together: reading all minutes and the outbox for each would take long. */
const SUSPECTS_MAX = 5000;
/** So many differences are listed; all are counted. */
const LISTED_MAX = 10_000;
const MINUTE_MS = 60_000;

export interface RecordReport {
  openSessions: number;
  /** Expired, and waiting for the cron; those that wait for too long are among the differences. */
  expired: number;
  readonly counts: Map<DifferenceKind, number>;
  /** By kind and session: SCAN may return a key twice. */
  readonly differences: Map<string, Difference>;
}

/**
 * Compares the sessions in Redis with the rows of their sign-ins and ends. A session goes from its record to the outbox to
 * its row, and everything here is read in that order: what moves on meanwhile is found at its next place. So what isn't
 * found is looked for again, where it would be by then. Sign-ins before `sinceMs` aren't looked at.
 *
 * Keeps 8 to 16 bytes of each session in memory, besides what differs.
 */
export async function checkRecord(stores: Stores, sinceMs: number, nowMs: number): Promise<RecordReport> {
  const report: RecordReport = { openSessions: 0, expired: 0, counts: new Map(), differences: new Map() };
  // First, as the scan then sees each session that is still in Redis, whether or not an index leads to it.
  const withoutEnd = await findWithoutEnd(stores, sinceMs, nowMs);
  const awaited = await readAwaited(stores, nowMs);
  let suspects: Suspect[] = [];
  const progress = await startProgress('Comparing sessions', await stores.sessionAdmin.keyCount());
  try {
    let cursor: string | null = null;
    do {
      const step: ScanStep = await stores.sessionScan.scan(cursor);
      for (const { session } of step.sessions) {
        withoutEnd.delete(session.id);
        if (isExpired(session, step.nowMs)) report.expired += 1;
        else report.openSessions += 1;
      }
      suspects.push(...(await suspectsIn(stores, step, sinceMs, awaited)));
      if (suspects.length >= SUSPECTS_MAX) {
        add(report, await confirmSuspects(stores, suspects));
        suspects = [];
      }
      progress.advance(step.keys);
      cursor = step.cursor;
    } while (cursor !== null);
  } finally {
    progress.stop();
  }
  add(report, await confirmSuspects(stores, suspects));
  add(report, await confirmWithoutEnd(stores, withoutEnd));
  return report;
}

/** Sign-ins whose session has no end in the record, and that no index leads to. */
async function findWithoutEnd(
  { recordSearch, sessionScan }: Stores,
  sinceMs: number,
  nowMs: number,
): Promise<Map<SessionId, SignIn>> {
  const found = new Map<SessionId, SignIn>();
  const minutes = Math.max(1, Math.ceil((nowMs - sinceMs) / MINUTE_MS));
  const progress = await startProgress('Comparing sign-ins, by minutes', minutes);
  try {
    for (let fromMs: number | null = sinceMs; fromMs !== null;) {
      const page = await recordSearch.readSignIns(fromMs, nowMs);
      for (let i = 0; i < page.withoutEnd.length; i += LOOKUP_SIZE) {
        const batch = page.withoutEnd.slice(i, i + LOOKUP_SIZE);
        const unlisted = new Set(await sessionScan.findUnlisted(batch));
        for (const signIn of batch) if (unlisted.has(signIn.sessionId)) found.set(signIn.sessionId, signIn);
      }
      progress.advance(Math.round(((page.next ?? nowMs) - fromMs) / MINUTE_MS));
      fromMs = page.next;
    }
  } finally {
    progress.stop();
  }
  return found;
}

/** The sessions that some minute lists. With other settings than the Worker's it may lack some; they are looked at again. */
async function readAwaited({ sessionScan, settings }: Stores, nowMs: number): Promise<TokenSet> {
  const awaited = new TokenSet();
  const lifetimes = [
    { expiresAtMs: nowMs + settings.SESSION_COOKIE_AGE * 1000, idleAgeSeconds: settings.SESSION_IDLE_AGE },
    { expiresAtMs: nowMs + settings.REMEMBER_ME_AGE * 1000, idleAgeSeconds: settings.REMEMBER_ME_IDLE_AGE },
  ];
  const progress = await startProgress('Reading ends', 0);
  try {
    for await (const tokenHashes of sessionScan.readMinutes(lastMinuteOf(lifetimes, nowMs))) {
      for (const tokenHash of tokenHashes) awaited.add(tokenHash);
      progress.advance(tokenHashes.length);
    }
  } finally {
    progress.stop();
  }
  awaited.seal();
  return awaited;
}

/** What looks like a difference, but may only have moved on. */
async function suspectsIn(
  { recordSearch }: Stores,
  { sessions, nowMs }: ScanStep,
  sinceMs: number,
  awaited: TokenSet,
): Promise<Suspect[]> {
  const open = sessions.filter(({ session }) => !isExpired(session, nowMs));
  const compared = open.filter(({ session }) => session.createdAtMs >= sinceMs);
  const ends = await recordSearch.findEnds(open.map(({ session }) => session.id));
  const signIns = await recordSearch.findSignIns(compared.map(({ session }) => session.id));
  return [
    ...sessions.flatMap(({ session, tokenHash }): Suspect[] => {
      const atMs = endsAtMs(session);
      return atMs <= nowMs - LATE_MS ? [{ kind: 'end_overdue', session, tokenHash, atMs }] : [];
    }),
    ...open.flatMap(({ session, tokenHash }): Suspect[] => {
      const atMs = ends.get(session.id);
      if (atMs === undefined || atMs > nowMs - LATE_MS) return [];
      return [{ kind: 'open_after_end', session, tokenHash, atMs }];
    }),
    ...compared.flatMap(({ session, tokenHash }): Suspect[] =>
      signIns.has(session.id) ? [] : [{ kind: 'no_sign_in', session, tokenHash, atMs: session.createdAtMs }],
    ),
    ...open.flatMap(({ session, tokenHash }): Suspect[] =>
      awaited.has(tokenHash)
        ? []
        : [{ kind: 'end_not_awaited', session, tokenHash, atMs: endsAtMs(session) }],
    ),
  ];
}

function add({ counts, differences }: RecordReport, found: readonly Difference[]): void {
  for (const difference of found) {
    const key = `${difference.kind} ${difference.sessionId}`;
    if (differences.has(key)) continue;
    counts.set(difference.kind, (counts.get(difference.kind) ?? 0) + 1);
    if (differences.size < LISTED_MAX) differences.set(key, difference);
  }
}
