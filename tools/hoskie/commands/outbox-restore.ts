import type { Command } from 'commander';
import { createInterface } from 'node:readline/promises';
import { createReadStream } from 'node:fs';
import { parseActivity } from '../../../src/activity/activity-encoding.ts';
import type { LogoutActivity } from '../../../src/activity/events.ts';
import { addCommand, setAction, type Finish } from '../command.ts';
import { CliError, EXIT } from '../exit.ts';
import { count, say, sayJson } from '../output.ts';
import { openStores } from '../stores.ts';

/** Written when the outbox rejected a log-out: the only other place that has it. */
const EVENT = 'activity_not_queued';

export function addOutboxRestore(outbox: Command, finish: Finish): void {
  const command = addCommand(outbox, {
    signature: 'restore [file]',
    summary: `add log-outs from log lines "${EVENT}" to the outbox again; reads standard input without a file`,
    examples: [
      ['outbox restore logs.jsonl', 'after Redis was full; those that have a row make no second one'],
      ['outbox restore --json < logs.jsonl', ''],
    ],
  });
  setAction(command, finish, async (options, file?: string) => {
    const stores = openStores(options, 'redis');
    const { logouts, unreadable } = await readLogouts(
      file === undefined ? process.stdin : createReadStream(file),
    );
    for (const logout of logouts) {
      await stores.outbox.add(logout);
      await stores.outbox.markRecorded([logout.id]);
    }
    if (options.json === true) sayJson({ restored: logouts.length, unreadable });
    else
      say(
        `Added ${count(logouts.length, 'log-out')} to the outbox; the cron writes their rows within a minute.`,
      );
    if (unreadable > 0)
      throw new CliError(EXIT.failed, `${count(unreadable, 'line')} with ${EVENT} could not be read.`);
    return EXIT.ok;
  });
}

/** Log lines as they come from `wrangler tail`, Logpush or an export: the event may be the line, or inside it as text. */
async function readLogouts(input: NodeJS.ReadableStream) {
  const logouts = new Map<string, LogoutActivity>();
  let unreadable = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (!line.includes(EVENT)) continue;
    const logout = findLogout(line);
    if (logout === null) unreadable += 1;
    else logouts.set(logout.id, logout);
  }
  return { logouts: [...logouts.values()], unreadable };
}

/** Looks through whatever JSON the line is, and through JSON in its texts. */
function findLogout(text: string): LogoutActivity | null {
  const found = (value: unknown): LogoutActivity | null => {
    if (typeof value === 'string') return value.includes(EVENT) ? findLogout(value) : null;
    if (typeof value !== 'object' || value === null) return null;
    const fields = value as Record<string, unknown>;
    if (fields['event'] === EVENT) {
      const activity = parseActivity(fields['activity']);
      return activity?.type === 'logout' ? activity : null;
    }
    for (const each of Object.values(fields)) {
      const logout = found(each);
      if (logout !== null) return logout;
    }
    return null;
  };
  try {
    return found(JSON.parse(text.slice(text.search(/[[{]/))));
  } catch {
    return null;
  }
}
