import { isStoreUnavailable, type StoreUnavailableError } from '../../src/errors.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import { deliver, DELIVERY_BATCH_SIZE } from '../../src/activity/delivery.ts';
import type { LogoutActivity, LogoutReason } from '../../src/activity/events.ts';
import type { OutboxEntry } from '../../src/activity/outbox.ts';
import type { Log } from '../../src/log.ts';
import { viewReceipt } from '../../src/http/session-views.ts';
import type { Operation, RecordedLogout } from '../../src/session/session-store.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { uuidV7, type UserId } from '../../src/lib/ids.ts';
import { describeOutage, detailsOf, EXIT, exitCodeOf, type ExitCode } from './exit.ts';
import { count, note, say, sayError, sayJson, sayTable } from './output.ts';
import type { Stores } from './stores.ts';

/** For `logout_activity.user_agent`. The user sees it, so it says nothing about the operator. */
const USER_AGENT = `hoskie/${packageJson.version}`;

/** Sessions ended by one script, so that it doesn't block Redis for long. */
const BATCH_SIZE = 100;
/** New sessions may start while others are ended. After this many rounds, give up. */
const ROUNDS_MAX = 50;

/** What is known to have ended, and whether that is all. */
export interface EndResult {
  /** Their rows are in the outbox, see `deliverEnded`. */
  readonly logouts: readonly RecordedLogout[];
  /** False: more sessions may be open, or may still start; a retry ends them. */
  readonly isComplete: boolean;
  /** Why it isn't complete; null if sessions kept starting. */
  readonly outage: StoreUnavailableError | null;
}

/** Ends these sessions, and adds a log-out for each to the outbox in the same step. */
export async function endSessions(
  stores: Stores,
  tokenHashes: readonly TokenHash[],
  reason: LogoutReason,
): Promise<EndResult> {
  const logouts: RecordedLogout[] = [];
  try {
    const nowMs = await stores.sessionAdmin.nowMs();
    for (let i = 0; i < tokenHashes.length; i += BATCH_SIZE) {
      const batch = tokenHashes.slice(i, i + BATCH_SIZE);
      logouts.push(...(await stores.sessions.end(batch, 'either', reason, newOperation(nowMs))));
    }
    return { logouts, isComplete: true, outage: null };
  } catch (error) {
    return { logouts, isComplete: false, outage: outageOrThrow(error) };
  }
}

/**
 * Ends all sessions of a user, including those that this release can't read. Doesn't throw `store_unavailable`, see
 * `outage`. Refuses pending starts first: a sign-in that was accepted just before the user was locked out would
 * otherwise start its session after the last look. If Redis can't store that (it is full), the open ones end all the same.
 */
export async function endSessionsOf(
  stores: Stores,
  userId: UserId,
  reason: LogoutReason,
): Promise<EndResult> {
  const logouts: RecordedLogout[] = [];
  const incomplete = (outage: StoreUnavailableError | null): EndResult => ({
    logouts,
    isComplete: false,
    outage,
  });
  let refusal: StoreUnavailableError | null = null;
  try {
    await stores.sessionAdmin.refuseStartsUnderWay(userId);
  } catch (error) {
    refusal = outageOrThrow(error);
    if (refusal.reason.fault !== 'refused') return incomplete(refusal);
  }
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    try {
      const nowMs = await stores.sessionAdmin.nowMs();
      const open = await stores.sessionAdmin.listOf(userId, nowMs);
      if (open.length === 0) {
        logouts.push(...(await stores.sessionAdmin.endUnreadable(userId, reason, newOperation(nowMs))));
        return refusal === null ? { logouts, isComplete: true, outage: null } : incomplete(refusal);
      }
      const hashes = open.map(({ tokenHash }) => tokenHash);
      const ended = await endSessions(stores, hashes, reason);
      logouts.push(...ended.logouts);
      if (ended.outage !== null) return incomplete(ended.outage);
    } catch (error) {
      return incomplete(outageOrThrow(error));
    }
  }
  return incomplete(null);
}

function newOperation(nowMs: number): Operation {
  return {
    id: uuidV7(nowMs),
    nowMs,
    client: { ipAddress: null, userAgent: USER_AGENT, country: null },
  };
}

/** Writes the rows of what was ended. False: they stay in the outbox, and the cron delivers them; it says why. */
export async function deliverEnded(stores: Stores, logouts: readonly RecordedLogout[]): Promise<boolean> {
  const rejected = logouts.flatMap(({ entryId, activity }) => (entryId === null ? [activity] : []));
  if (!(await writeRejected(stores, rejected))) return false;
  try {
    const queued = logouts.filter((each): each is OutboxEntry<LogoutActivity> => each.entryId !== null);
    let delivered = 0;
    for (let i = 0; i < queued.length; i += DELIVERY_BATCH_SIZE) {
      const batch = queued.slice(i, i + DELIVERY_BATCH_SIZE);
      delivered += await deliver({ stores, log: NOTES, nowMs: Date.now() }, batch);
    }
    return delivered === queued.length;
  } catch (error) {
    note(
      `hoskie: ${describeOutage(outageOrThrow(error))} The rows are in the outbox; the cron delivers them, or hoskie outbox deliver.`,
    );
    return false;
  }
}

/** Writes the rows of log-outs that a full outbox rejected. False: what it prints is the only place that has them. */
async function writeRejected(stores: Stores, rejected: readonly LogoutActivity[]): Promise<boolean> {
  try {
    await stores.activityLog.writeLogouts(rejected);
    await stores.outbox.markRecorded(rejected.map(({ id }) => id));
    return true;
  } catch (error) {
    note(`hoskie: ${describeOutage(outageOrThrow(error))} Keep these lines for hoskie outbox restore:`);
    for (const logout of rejected)
      note(JSON.stringify({ event: 'activity_not_queued', activity: encodeActivity(logout) }));
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

interface EndReport {
  readonly json: boolean;
  /** Further members of the JSON document. */
  readonly view: Readonly<Record<string, unknown>>;
  /** Which sessions may still be open if it isn't complete, as a clause. */
  readonly left: string;
  /** The command that ends what is left. */
  readonly retry: string;
}

/**
 * Reports what was ended, then delivers the rows: an end is known before MySQL is asked, and stays known if the operator
 * stops the tool. JSON comes after the delivery, as it says whether the rows are `recorded`. Returns the exit code.
 */
export async function reportEnd(
  stores: Stores,
  result: EndResult,
  { json, view, left, retry }: EndReport,
): Promise<ExitCode> {
  if (!json) sayEnd(result);
  const isRecorded = await deliverEnded(stores, result.logouts);
  if (json) sayJson({ ...view, ...viewEnd(result, isRecorded) });
  return concludeEnd(result, left, retry);
}

/** What was ended, as JSON: `complete` false means that sessions may still be open. */
export const viewEnd = ({ logouts, isComplete }: EndResult, isRecorded: boolean) => ({
  ...viewReceipt(logouts),
  recorded: isRecorded,
  complete: isComplete,
});

/** Prints what was ended. */
export function sayEnd({ logouts, isComplete }: EndResult): void {
  if (logouts.length === 0) {
    say(isComplete ? 'No session was open.' : 'No session is known to have ended.');
    return;
  }
  say(`Ended ${count(logouts.length, 'session')}.`);
  sayTable(
    ['SESSION', 'REASON', 'LOGOUT'],
    logouts.map(({ activity }) => [activity.sessionId, activity.reason, activity.id]),
  );
}

/** Says what is left to do after an outage. Returns the exit code. */
export function concludeEnd({ isComplete, outage }: EndResult, left: string, retry: string): ExitCode {
  if (isComplete) return EXIT.ok;
  const why = outage === null ? 'new ones kept starting.' : describeOutage(outage);
  const exitCode = outage === null ? EXIT.failed : exitCodeOf(outage);
  const details = outage === null ? {} : detailsOf(outage);
  sayError(`${left}: ${why} Retry with: ${retry}`, exitCode, { ...details, retry });
  return exitCode;
}
