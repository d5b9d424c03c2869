import type { Command } from 'commander';
import { EventRefusedError } from '../../../src/activity/activity-log.ts';
import { deliver, DELIVERY_BATCH_SIZE } from '../../../src/activity/delivery.ts';
import { atMsOf, type LoginActivity, type LogoutActivity } from '../../../src/activity/events.ts';
import type { OutboxEntry } from '../../../src/activity/outbox.ts';
import type { SetAsideEntry } from '../stores/outbox-admin.ts';
import { addCommand, setAction, type Finish } from '../command.ts';
import { NOTES } from '../end-sessions.ts';
import { CliError, EXIT } from '../exit.ts';
import { count, printable, say, sayJson, sayTable, timeText } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openStores, type Stores } from '../stores.ts';
import { addOutboxRestore } from './outbox-restore.ts';

/** Number of events set aside that `status` shows. */
const SHOWN = 20;
const RETRY_BATCH_SIZE = 50;

export function addOutboxCommands(program: Command, finish: Finish): void {
  const outbox = program.command('outbox').description('events that are not in MySQL yet');
  addStatus(outbox, finish);
  addDeliver(outbox, finish);
  addRetry(outbox, finish);
  addOutboxRestore(outbox, finish);
}

function addStatus(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'status',
    summary: 'show what is pending and what MySQL refused; exits with 1 if events were set aside',
    examples: [['outbox status', '']],
  });
  setAction(command, finish, async (options) => {
    const stores = openStores(options, 'redis');
    const status = await stores.outbox.status();
    const aside = await stores.outboxAdmin.listSetAside(SHOWN, null);
    if (options.json === true) {
      sayJson({
        pending: status.pending,
        set_aside: status.setAside,
        unrecorded: status.unrecorded,
        dropped_attempts: status.droppedAttempts,
        oldest_at: timeText(status.oldestAtMs),
        oldest_set_aside: aside.map(viewEntry),
      });
    } else {
      say(
        `Pending: ${status.pending}${status.oldestAtMs === null ? '' : `, the oldest since ${timeText(status.oldestAtMs)}`}`,
      );
      say(`Set aside: ${status.setAside}`);
      say(`Sessions ended without an event: ${status.unrecorded}`);
      say(`Failed attempts dropped: ${status.droppedAttempts}`);
      if (aside.length > 0) sayEntries(aside);
    }
    return status.setAside > 0 ? EXIT.failed : EXIT.ok;
  });
}

function addDeliver(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'deliver',
    summary: 'write pending events to MySQL now, as the cron does every minute',
    examples: [['outbox deliver', '']],
  });
  setAction(command, finish, async (options) => {
    const stores = openStores(options, 'redis', 'database');
    const before = await stores.outbox.status();
    const progress = await startProgress('Delivering', before.pending);
    let delivered = 0;
    try {
      let last: string | null = null;
      // No more than were pending at the start: a busy service always has pending events.
      for (let read = 0; read < before.pending;) {
        const entries: OutboxEntry[] = await stores.outbox.readOldest(DELIVERY_BATCH_SIZE, last);
        if (entries.length === 0) break;
        delivered += await deliver({ stores, log: NOTES, nowMs: Date.now() }, entries);
        read += entries.length;
        progress.advance(entries.length);
        last = entries.at(-1)?.entryId ?? null;
      }
    } finally {
      progress.stop();
    }
    const { pending, setAside } = await stores.outbox.status();
    const refused = Math.max(0, setAside - before.setAside);
    if (options.json === true) sayJson({ delivered: delivered - refused, set_aside: refused, pending });
    else say(`Delivered ${count(delivered - refused, 'event')}; set ${refused} aside; ${pending} pending.`);
    return refused > 0 ? EXIT.failed : EXIT.ok;
  });
}

function addRetry(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'retry-set-aside',
    summary: 'retry events that MySQL refused; those it refuses again stay set aside',
    examples: [
      ['outbox retry-set-aside', 'once the reason is fixed, such as a column that was too short'],
      ['outbox retry-set-aside --id 1795463625123-0', 'one of them, by its id from outbox status'],
    ],
  }).option('--id <entry>', 'only this event');
  setAction<{ id?: string }>(command, finish, async (options) => {
    const stores = openStores(options, 'redis', 'database');
    const { written, refused } = await retry(stores, options.id ?? null);
    if (options.json === true) sayJson({ written, refused: refused.map(viewEntry) });
    else {
      say(`Wrote ${count(written, 'event')}; ${refused.length} refused again.`);
      if (refused.length > 0) sayEntries(refused.slice(0, SHOWN));
    }
    return refused.length > 0 ? EXIT.failed : EXIT.ok;
  });
}

interface RetryResult {
  written: number;
  readonly refused: SetAsideEntry[];
}

async function retry(stores: Stores, id: string | null): Promise<RetryResult> {
  const result: RetryResult = { written: 0, refused: [] };
  if (id !== null) {
    const entry = await stores.outboxAdmin.findSetAside(id);
    if (entry === null) throw new CliError(EXIT.notFound, `No event ${printable(id)} is set aside.`);
    await writeAll(stores, [entry], result);
    return result;
  }
  const progress = await startProgress('Retrying', (await stores.outbox.status()).setAside);
  try {
    for (let after: string | null = null; ;) {
      const entries: SetAsideEntry[] = await stores.outboxAdmin.listSetAside(RETRY_BATCH_SIZE, after);
      await writeAll(stores, entries, result);
      progress.advance(entries.length);
      after = entries.at(-1)?.entryId ?? null;
      if (entries.length < RETRY_BATCH_SIZE) break;
    }
  } finally {
    progress.stop();
  }
  return result;
}

/** Writes the rows before it removes the entries, so that no event is lost. If one is refused, tries each by itself. */
async function writeAll(
  stores: Stores,
  entries: readonly SetAsideEntry[],
  result: RetryResult,
): Promise<void> {
  const readable = entries.filter((entry) => entry.activity !== null);
  result.refused.push(...entries.filter((entry) => entry.activity === null));
  if (readable.length === 0) return;
  const activities = readable.flatMap((entry) => entry.activity ?? []);
  try {
    await stores.activityLog.writeLogouts(activities.filter((a): a is LogoutActivity => a.type === 'logout'));
    await stores.activityLog.writeLogins(activities.filter((a): a is LoginActivity => a.type === 'login'));
  } catch (error) {
    if (!(error instanceof EventRefusedError)) throw error;
    if (readable.length === 1)
      result.refused.push(...readable.map((entry) => ({ ...entry, reason: error.reason })));
    else for (const entry of readable) await writeAll(stores, [entry], result);
    return;
  }
  await stores.outboxAdmin.removeSetAside(readable.map((entry) => entry.entryId));
  result.written += readable.length;
}

const viewEntry = ({ entryId, activity, reason, setAsideAtMs }: SetAsideEntry) => ({
  id: entryId,
  reason,
  set_aside_at: timeText(setAsideAtMs),
  event:
    activity === null
      ? null
      : {
          type: activity.type,
          id: activity.id,
          user_id: activity.userId,
          username: activity.username,
          session_id: activity.sessionId,
          at: timeText(atMsOf(activity)),
        },
});

function sayEntries(entries: readonly SetAsideEntry[]): void {
  sayTable(
    ['ID', 'SET ASIDE', 'REASON', 'EVENT', 'USER', 'HAPPENED'],
    entries.map(({ entryId, setAsideAtMs, reason, activity }) => [
      entryId,
      timeText(setAsideAtMs),
      reason,
      activity?.type ?? 'unreadable',
      activity?.username ?? null,
      activity === null ? null : timeText(atMsOf(activity)),
    ]),
  );
}
