import { isStoreUnavailable } from '../../../src/errors.ts';
import type { Command } from 'commander';
import { parseSessionId, type SessionId } from '../../../src/lib/ids.ts';
import type { FoundSession } from '../stores/session-admin.ts';
import { addCommand, setAction, wholeNumber, type Finish } from '../command.ts';
import { endSessions, endSessionsOf, reportEnd } from '../end-sessions.ts';
import { CliError, describeOutage, EXIT } from '../exit.ts';
import { requireIdOf, type ById } from '../find-user.ts';
import { note, printable, say, sayJson, sayTable, timeText } from '../output.ts';
import { listOpenSessions } from '../list-open-sessions.ts';
import { SESSION_HEADINGS, sessionCells, viewSession } from '../session-formats.ts';
import { openStores, type Stores } from '../stores.ts';

export function addSessionCommands(program: Command, finish: Finish): void {
  const session = program.command('session').description('list and end sessions');
  addList(session, finish);
  addEnd(session, finish);
  addEndAll(session, finish);
}

interface ListOptions extends ById {
  readonly open?: boolean;
  /** Undefined: all. */
  readonly limit?: number;
}

function addList(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'list [user]',
    summary: "list a user's open sessions, newest first, or with --open those of all users",
    examples: [
      ['session list ann', ''],
      ['session list --id 42', 'also works for a deleted user'],
      ['session list --open', 'of all users, in no order'],
      ['session list --open --json | wc -l', 'a line each'],
    ],
  })
    .option('--id', 'the argument is a number from users.id')
    .option('--open', 'all open sessions of all users, in no order; leave the user out')
    .option('--limit <n>', 'with --open: at most this many', wholeNumber(1, 100_000_000));
  setAction<ListOptions>(command, finish, async (options, name) => {
    if (options.open === true) {
      if (name !== undefined) throw new CliError(EXIT.usage, '--open lists all users: leave the name out.');
      const limit = options.limit ?? Number.MAX_SAFE_INTEGER;
      return listOpenSessions(openStores(options, 'redis'), { json: options.json === true, limit });
    }
    if (name === undefined) throw new CliError(EXIT.usage, 'Name a user, or list all with --open.');
    if (options.limit !== undefined) throw new CliError(EXIT.usage, '--limit goes with --open.');
    const stores = openStores(options, 'redis', 'database');
    const userId = await requireIdOf(stores, name, options, 'hoskie session list');
    const found = await stores.sessionAdmin.listOf(userId, await stores.sessionAdmin.nowMs());
    if (options.json === true) {
      sayJson({ user_id: userId, sessions: found.map(viewSession) });
      return;
    }
    if (found.length === 0) {
      say('No open sessions.');
      return;
    }
    sayTable(SESSION_HEADINGS, found.map(sessionCells));
  });
}

function addEnd(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'end <session>',
    summary: 'end one session by its public id',
    examples: [['session end 7xk2m9q4r8t3v6w1y5z0abcdef', 'an id from session list, logouts or logins']],
  });
  setAction(command, finish, async (options, text = '') => {
    const stores = openStores(options, 'redis', 'database');
    const id = parseSessionId(text);
    const found = id === null ? null : await findSession(stores, id);
    if (id === null || found === null) return sayEndedBefore(stores, id, text, options.json === true);
    const ended = await endSessions(stores, [found.tokenHash], 'admin');
    if (options.json !== true) say(`The session belonged to ${printable(found.session.username)}.`);
    return reportEnd(stores, ended, {
      json: options.json === true,
      view: { user_id: found.session.userId },
      left: 'The session may still be open',
      retry: `hoskie session end ${id}`,
    });
  });
}

/** Takes the user from the record of the sign-in; without it, searches all indexes. */
async function findSession(stores: Stores, id: SessionId): Promise<FoundSession | null> {
  const nowMs = await stores.sessionAdmin.nowMs();
  const owner = await stores.activitySearch.findOwner(id).catch(nullOnOutage);
  const found = owner === null ? null : await stores.sessionAdmin.findOf(owner, id, nowMs);
  return found ?? stores.sessionAdmin.find(id, nowMs);
}

/** Ending a session twice is no error; an unknown id is. */
async function sayEndedBefore(stores: Stores, id: SessionId | null, text: string, json: boolean) {
  const logout = id === null ? null : await stores.activitySearch.findLogout(id).catch(nullOnOutage);
  if (logout === null) throw new CliError(EXIT.notFound, `There is no open session ${printable(text)}.`);
  const at = timeText(logout.loggedOutAtMs);
  if (json)
    sayJson({
      user_id: logout.userId,
      revoked: 0,
      logouts: [],
      recorded: true,
      complete: true,
      ended_before: { id: logout.id, session_id: logout.sessionId, reason: logout.reason, logged_out_at: at },
    });
  else say(`It already ended at ${at} (${logout.reason}).`);
  return EXIT.ok;
}

/** MySQL only speeds up the search; the sessions are in Redis. */
function nullOnOutage(error: unknown): null {
  if (!isStoreUnavailable(error)) throw error;
  note(`hoskie: ${describeOutage(error)} Continuing without it.`);
  return null;
}

function addEndAll(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'end-all <user>',
    summary: "end all of a user's sessions; the user may sign in again",
    examples: [
      ['session end-all ann', ''],
      ['session end-all --id 42', 'also works for a deleted user'],
    ],
  }).option('--id', 'the argument is a number from users.id');
  setAction<ById>(command, finish, async (options, name = '') => {
    const stores = openStores(options, 'redis', 'database');
    const userId = await requireIdOf(stores, name, options, 'hoskie session end-all');
    const ended = await endSessionsOf(stores, userId, 'admin');
    return reportEnd(stores, ended, {
      json: options.json === true,
      view: { user_id: userId },
      left: 'Sessions may still be open',
      retry: `hoskie session end-all --id ${userId}`,
    });
  });
}
