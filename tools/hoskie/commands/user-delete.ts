import type { Command } from 'commander';
import { deliverPending } from '../../../src/activity/delivery.ts';
import { SYSTEM_CLOCK } from '../../../src/lib/clock.ts';
import type { UserId } from '../../../src/lib/ids.ts';
import { endExpiredSessions } from '../../../src/session/end-expired-sessions.ts';
import type { ActivityTable } from '../stores/user-admin.ts';
import { addCommand, setAction, type Finish } from '../command.ts';
import { concludeEnd, deliverEnded, endSessionsOf, NOTES, sayEnd, viewEnd } from '../end-sessions.ts';
import { requireUser, requireUserId, type ById } from '../find-user.ts';
import { count, note, printable, say, sayJson } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openStores, type Stores } from '../stores.ts';

/** Rows erased by one statement, so that it locks few and ends soon. */
const ERASE_BATCH_SIZE = 500;
const ACTIVITY_TABLES: readonly ActivityTable[] = ['login_activity', 'logout_activity'];

interface DeleteOptions extends ById {
  readonly erase?: boolean;
}

/** `username` is null if the user was deleted before. */
interface Deletion {
  readonly id: UserId;
  readonly username: string | null;
}

export function addUserDelete(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'delete <name>',
    summary: 'delete a user and end all their sessions; their activity stays under their id',
    examples: [
      ['user delete ann', ''],
      ['user delete ann --erase', 'also removes names, addresses and user agents from the activity'],
      ['user delete --id 42 --erase', 'the same later, for a user who is deleted already'],
    ],
  })
    .option('--id', 'the argument is a number from users.id')
    .option('--erase', 'also remove names, addresses and user agents from their activity');
  setAction<DeleteOptions>(command, finish, async (options, name = '') => {
    const stores = openStores(options, 'redis', 'database');
    const user = await findDeletion(stores, name, options);
    const { id } = user;
    // The id first: stopped in between, the command can be repeated, and the id is never free.
    await stores.users.reserveId(id);
    await stores.users.delete(id);
    const ended = await endSessionsOf(stores, id, 'admin');
    const retry = `hoskie user delete --id ${id}${options.erase === true ? ' --erase' : ''}`;
    if (options.json !== true) {
      say(
        user.username === null
          ? `The user ${id} was already deleted.`
          : `Deleted ${printable(user.username)} (id ${id}).`,
      );
      sayEnd(ended);
    }
    const isRecorded = await deliverEnded(stores, ended.logouts);
    const erasure = { count: 0, isDone: options.erase !== true };
    try {
      if (options.erase === true) await eraseActivity(stores, id, erasure);
    } finally {
      if (options.json === true)
        sayJson({
          user,
          ...viewEnd(ended, isRecorded),
          ...(options.erase === true && { erased: erasure.count }),
        });
      else if (options.erase === true)
        say(`Erased ${count(erasure.count, 'row or event', 'rows and events')} of activity.`);
      if (!erasure.isDone) note(`hoskie: Activity may be left to erase; go on with: ${retry}`);
    }
    return concludeEnd(ended, 'The user is deleted, but sessions may still be open', retry);
  });
}

async function findDeletion(stores: Stores, name: string, options: DeleteOptions): Promise<Deletion> {
  if (options.id === true) {
    const id = requireUserId(name);
    const isDeleted = (await stores.users.findById(id)) === null;
    if (isDeleted && (await stores.users.findReserved([id])).has(id)) return { id, username: null };
  }
  const { id, username } = await requireUser(stores, name, options);
  return { id, username };
}

/** Erases batch by batch; `erasure` shows how far it came, also if this throws. */
async function eraseActivity(
  stores: Stores,
  id: UserId,
  erasure: { count: number; isDone: boolean },
): Promise<void> {
  // A session that expired while the user was there would otherwise leave a row with the name when the cron comes to it.
  const nowMs = await stores.sessionAdmin.nowMs();
  await endExpiredSessions(
    stores,
    { log: NOTES, clock: { ...SYSTEM_CLOCK, nowMs: () => nowMs } },
    () => true,
  );
  erasure.count += await stores.outboxAdmin.erase(id);
  // A delivery elsewhere may have read one of these events with its name: it adds no row to one that exists.
  await deliverPending({ stores, log: NOTES, nowMs: Date.now() }, () => true);
  const progress = await startProgress('Erasing', 1);
  try {
    for (const table of ACTIVITY_TABLES) {
      let rows: number;
      do {
        rows = await stores.users.eraseActivity(table, id, ERASE_BATCH_SIZE);
        erasure.count += rows;
        progress.advance(rows);
      } while (rows === ERASE_BATCH_SIZE);
    }
    erasure.isDone = true;
  } finally {
    progress.stop();
  }
}
