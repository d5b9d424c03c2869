import { once } from 'node:events';
import { isExpired } from '../../src/session/rules.ts';
import { jsonLine, lineOf, paint, say } from './output.ts';
import { startProgress } from './progress.ts';
import { SESSION_HEADINGS, sessionCells, viewSession } from './session-formats.ts';
import type { FoundSession } from './stores/session-admin.ts';
import type { Stores } from './stores.ts';

const HEADINGS = ['USER ID', 'USER', ...SESSION_HEADINGS];
/** What most fit in; those of all rows would be known at the end. */
const WIDTHS = [8, 16, 26, 6, 24, 24, 24, 15, 7];

interface Listing {
  readonly json: boolean;
  /** At most so many sessions. */
  readonly limit: number;
}

/**
 * Writes a line for each open session of any user, as Redis returns them and as fast as the reader takes them: a million
 * take no more memory than a thousand. One may come twice while Redis resizes its table.
 */
export async function listOpenSessions(
  { sessionScan, sessionAdmin }: Pick<Stores, 'sessionScan' | 'sessionAdmin'>,
  { json, limit }: Listing,
): Promise<void> {
  const format = json ? lineOfJson : lineOfTable;
  // On the terminal that shows the sessions, a bar would be among them.
  const progress = await startProgress('Listing', process.stdout.isTTY ? 0 : await sessionAdmin.keyCount());
  try {
    if (!json) say(paint('bold', lineOf(HEADINGS, WIDTHS)));
    let left = limit;
    let cursor: string | null = null;
    do {
      const step = await sessionScan.scan(cursor);
      const open = step.sessions.filter(({ session }) => !isExpired(session, step.nowMs)).slice(0, left);
      if (!process.stdout.write(open.map(format).join(''))) await once(process.stdout, 'drain');
      left -= open.length;
      progress.advance(step.keys);
      cursor = step.cursor;
    } while (cursor !== null && left > 0);
  } finally {
    progress.stop();
  }
}

const lineOfJson = (found: FoundSession): string =>
  jsonLine({ user_id: found.session.userId, username: found.session.username, ...viewSession(found) });

const lineOfTable = (found: FoundSession): string =>
  `${lineOf([found.session.userId, found.session.username, ...sessionCells(found)], WIDTHS)}\n`;
