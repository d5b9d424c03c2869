import { isStoreUnavailable, type StoreUnavailableError } from '../../src/errors.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { deliver } from '../../src/activity/delivery.ts';
import type { LogoutActivity, LogoutReason } from '../../src/activity/events.ts';
import type { OutboxEntry } from '../../src/activity/outbox.ts';
import type { Log } from '../../src/log.ts';
import { viewReceipt } from '../../src/http/session-views.ts';
import type { Operation, RecordedLogout } from '../../src/session/session-store.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { uuidV7, type UserId } from '../../src/lib/ids.ts';
import { describeOutage, EXIT, type ExitCode } from './exit.ts';
import { count, note, say, sayTable } from './output.ts';
import type { Stores } from './stores.ts';

/** For `logout_activity.user_agent`. The user sees it, so it says nothing about the operator. */
const USER_AGENT = `hoskie/${packageJson.version}`;

/** Sessions ended by one script, so that it doesn't block Redis for long. */
const BATCH_SIZE = 100;
/** New sessions may start while others are ended. After this many rounds, give up. */
const ROUNDS_MAX = 50;

/** What was ended, and what is left to do. */
export interface EndResult {
  readonly logouts: readonly RecordedLogout[];
  /** Not null: sessions may still be open; a retry ends them. */
  readonly outage: StoreUnavailableError | null;
  /** False: MySQL is unavailable; the rows are in the outbox, and the cron delivers them. */
  readonly isRecorded: boolean;
}

/** Ends these sessions, adds a log-out for each to the outbox in the same step, and delivers these immediately. */
export async function endSessions(
  stores: Stores,
  tokenHashes: readonly TokenHash[],
  reason: LogoutReason,
): Promise<EndResult> {
  const logouts: RecordedLogout[] = [];
  let outage: StoreUnavailableError | null = null;
  try {
    const nowMs = await stores.sessionAdmin.nowMs();
    for (let i = 0; i < tokenHashes.length; i += BATCH_SIZE) {
      const batch = tokenHashes.slice(i, i + BATCH_SIZE);
      logouts.push(...(await stores.sessions.end(batch, 'either', reason, newOperation(nowMs))));
    }
  } catch (error) {
    outage = outageOrThrow(error);
  }
  return { logouts, outage, isRecorded: await record(stores, logouts) };
}

/**
 * Ends all sessions of a user, including those that this release can't read. Doesn't throw `store_unavailable`, see
 * `outage`. Refuses pending starts first: a sign-in that was accepted just before the user was locked out would
 * otherwise start its session after the last look.
 */
export async function endSessionsOf(
  stores: Stores,
  userId: UserId,
  reason: LogoutReason,
): Promise<EndResult> {
  let total: EndResult = { logouts: [], outage: null, isRecorded: true };
  try {
    await stores.sessionAdmin.refuseStartsUnderWay(userId);
  } catch (error) {
    return { ...total, outage: outageOrThrow(error) };
  }
  for (let round = 0; round < ROUNDS_MAX && total.outage === null; round += 1) {
    try {
      const nowMs = await stores.sessionAdmin.nowMs();
      const open = await stores.sessionAdmin.listOf(userId, nowMs);
      if (open.length === 0) {
        const logouts = await stores.sessionAdmin.endUnreadable(userId, reason, newOperation(nowMs));
        return together(total, { logouts, outage: null, isRecorded: await record(stores, logouts) });
      }
      total = together(
        total,
        await endSessions(
          stores,
          open.map((found) => found.tokenHash),
          reason,
        ),
      );
    } catch (error) {
      total = { ...total, outage: outageOrThrow(error) };
    }
  }
  return total;
}

const together = (a: EndResult, b: EndResult): EndResult => ({
  logouts: [...a.logouts, ...b.logouts],
  outage: a.outage ?? b.outage,
  isRecorded: a.isRecorded && b.isRecorded,
});

function newOperation(nowMs: number): Operation {
  return {
    id: uuidV7(nowMs),
    nowMs,
    client: { ipAddress: null, userAgent: USER_AGENT, country: null },
  };
}

async function record(stores: Stores, logouts: readonly RecordedLogout[]): Promise<boolean> {
  if (logouts.length === 0) return true;
  try {
    const queued = logouts.filter((each): each is OutboxEntry<LogoutActivity> => each.entryId !== null);
    const delivered = await deliver({ stores, log: NOTES, nowMs: Date.now() }, queued);
    const rejected = logouts.flatMap(({ entryId, activity }) => (entryId === null ? [activity] : []));
    await stores.activityLog.writeLogouts(rejected);
    await stores.outbox.markRecorded(rejected.map(({ id }) => id));
    return delivered === queued.length;
  } catch (error) {
    outageOrThrow(error);
    return false;
  }
}

/** Reports events that MySQL refuses and those that can't be read. */
export const NOTES: Log = {
  event(name, { activity_id: id, reason, count: number = 0 }) {
    if (name === 'activity_set_aside')
      note(`hoskie: event ${id ?? '(unreadable)'} was set aside: ${reason}.`);
    if (name === 'activity_refused') note(`hoskie: event ${id} was refused and is retried: ${reason}.`);
    if (name === 'activity_unreadable')
      note(`hoskie: ${count(number, 'event')} can't be read by this release; retried for a day.`);
  },
};

function outageOrThrow(error: unknown): StoreUnavailableError {
  if (isStoreUnavailable(error)) return error;
  throw error;
}

/** What was ended, as JSON: `complete` false means that sessions may still be open. */
export const viewEnd = (result: EndResult) => ({
  ...viewReceipt(result.logouts),
  recorded: result.isRecorded,
  complete: result.outage === null,
});

/** Prints what was ended. */
export function sayEnd({ logouts, isRecorded }: EndResult): void {
  if (logouts.length === 0) {
    say('No session was open.');
    return;
  }
  say(`Ended ${count(logouts.length, 'session')}.`);
  sayTable(
    ['SESSION', 'REASON', 'LOGOUT'],
    logouts.map(({ activity }) => [activity.sessionId, activity.reason, activity.id]),
  );
  if (!isRecorded)
    note('hoskie: MySQL is unavailable. The rows are in the outbox and will be delivered later.');
}

/** Says what is left to do after an outage. Returns the exit code. */
export function concludeEnd({ outage }: EndResult, done: string, retry: string): ExitCode {
  if (outage === null) return EXIT.ok;
  note(`hoskie: ${done} sessions may still be open: ${describeOutage(outage)} Retry with: ${retry}`);
  return EXIT.storeOut;
}
