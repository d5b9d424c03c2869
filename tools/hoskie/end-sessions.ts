import { isStoreUnavailable, type StoreUnavailableError } from '../../src/errors.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { deliver } from '../../src/activity/delivery.ts';
import type { LogoutReason } from '../../src/activity/events.ts';
import type { Log } from '../../src/log.ts';
import { viewReceipt } from '../../src/http/session-views.ts';
import type { Operation, RecordedLogout } from '../../src/session/session-store.ts';
import type { TokenHash } from '../../src/session/token.ts';
import { uuidV7, type UserId } from '../../src/lib/ids.ts';
import { describeOutage, EXIT, type ExitCode } from './exit.ts';
import { count, note, say, sayTable } from './output.ts';
import type { Stores } from './stores.ts';

/** What stands in `logout_activity.user_agent`: the user sees it, so nothing of the operator. */
const USER_AGENT = `hoskie/${packageJson.version}`;

/** Sessions ended by one script, so that it never holds the database's lock for long. */
const BATCH_SIZE = 100;
/** New sessions may begin while others are ended; whoever signs in faster than this is not to be caught. */
const ROUNDS_MAX = 50;

/** What was ended, and what is left to be done. */
export interface EndResult {
  readonly logouts: readonly RecordedLogout[];
  /** Not null: sessions may still be open; a repetition ends them. */
  readonly outage: StoreUnavailableError | null;
  /** False: MySQL did not take the rows now; they are in the outbox, and the cron delivers them. */
  readonly isRecorded: boolean;
}

/** Ends these sessions, each with its row in the outbox in the same step, and delivers the rows at once. */
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
 * Ends all sessions of a user, until none is left, at last those that this release cannot read; never throws
 * `StoreUnavailableError`, see `outage`. First the starts are refused of sign-ins under way: where MySQL was told just
 * now to keep the user out, one that had been let in before would begin its session only after the last look.
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
    await deliver({ stores, log: NOTES, nowMs: Date.now() }, logouts);
    return true;
  } catch (error) {
    outageOrThrow(error);
    return false;
  }
}

/** Tells of events that MySQL will never take. */
export const NOTES: Log = {
  event(name, { activity_id: id, reason }) {
    if (name === 'activity_set_aside')
      note(`hoskie: event ${id ?? '(unreadable)'} was set aside: ${reason}.`);
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
  if (!isRecorded) note('hoskie: MySQL does not take the rows now; they are in the outbox and will follow.');
}

/** Says what is left to be done after an outage; the exit code that goes with it. */
export function concludeEnd({ outage }: EndResult, done: string, repeat: string): ExitCode {
  if (outage === null) return EXIT.ok;
  note(`hoskie: ${done} sessions may still be open: ${describeOutage(outage)} Repeat: ${repeat}`);
  return EXIT.storeOut;
}
