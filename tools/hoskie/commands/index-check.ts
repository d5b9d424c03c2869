import type { Command } from 'commander';
import type { IndexFault } from '../stores/session-admin.ts';
import { addCommand, setAction, type CommonOptions, type Finish } from '../command.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { say, sayFirstRows, sayJson } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openStores } from '../stores.ts';

const MEANINGS: Readonly<Record<IndexFault['kind'], string>> = {
  unlisted: "open, but not in its user's index",
  index_expires_early: 'the index expires before this session',
  mismatched: "listed, but another session or another user's",
  no_expiry: 'Redis would never delete it',
  unreadable: 'damaged, or of a later version; signs no one in here',
};

export function addIndexCommands(program: Command, finish: Finish): void {
  const index = program.command('index').description("compare sessions with their users' indexes");
  const check = addCommand(index, {
    signature: 'check',
    summary: 'find open sessions that are not listed, and the reverse; exits with 1 if it finds any',
    examples: [['index check', 'scans all keys in steps; changes nothing']],
  });
  setAction(check, finish, (options) => run(options, false));
  const repair = addCommand(index, {
    signature: 'repair',
    summary: 'repair the index; starts and ends no session',
    examples: [['index repair', 'may be repeated']],
  });
  setAction(repair, finish, (options) => run(options, true));
}

async function run(options: CommonOptions, isRepair: boolean): Promise<ExitCode> {
  const { sessionAdmin } = openStores(options, 'redis');
  const totals = { open: 0, listed: 0, expired: 0 };
  // SCAN may return keys twice while Redis resizes its table.
  const faults = new Map<string, IndexFault>();
  const progress = await startProgress(isRepair ? 'Repairing' : 'Checking', await sessionAdmin.keyCount());
  try {
    let cursor: string | null = null;
    const nowMs = await sessionAdmin.nowMs();
    do {
      const step = await sessionAdmin.checkIndex(cursor, nowMs, isRepair);
      totals.open += step.openSessions;
      totals.listed += step.listed;
      totals.expired += step.expired;
      step.faults.forEach((fault, i) => {
        const key =
          fault.sessionId === null ? `${cursor} ${i}` : `${fault.kind} ${fault.userId} ${fault.sessionId}`;
        faults.set(key, fault);
      });
      progress.advance(step.keys);
      cursor = step.cursor;
    } while (cursor !== null);
  } finally {
    progress.stop();
  }
  const found = [...faults.values()];
  const left = found.filter((fault) => !fault.isRepaired);
  if (options.json === true) {
    sayJson({
      open_sessions: totals.open,
      listed: totals.listed,
      expired: totals.expired,
      faults: found.map(({ kind, userId, sessionId, isRepaired }) => ({
        kind,
        user_id: userId,
        session_id: sessionId,
        repaired: isRepaired,
      })),
    });
  } else {
    say(`Open sessions ${totals.open}, listed ${totals.listed}.`);
    say(`Listed but expired or gone: ${totals.expired} (not a fault).`);
    sayFaults(found, isRepair);
  }
  return left.length > 0 ? EXIT.failed : EXIT.ok;
}

function sayFaults(faults: readonly IndexFault[], isRepair: boolean): void {
  if (faults.length === 0) {
    say('No faults.');
    return;
  }
  say(`Faults: ${faults.length}.`);
  sayFirstRows(
    ['SESSION', 'USER ID', 'FAULT', ...(isRepair ? ['REPAIRED'] : [])],
    faults.map(({ kind, userId, sessionId, isRepaired }) => [
      sessionId,
      userId,
      MEANINGS[kind],
      ...(isRepair ? [isRepaired] : []),
    ]),
  );
}
