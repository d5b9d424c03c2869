import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Another live process runs its servers on the directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

const SQLITE_BUSY = 5;

/** A process that was just killed may need a moment to end. */
const WAIT_MS = 1_000;

const POLL_MS = 100;

/** Held here, as a lock that is garbage-collected is given back. */
const locks = new Set<DatabaseSync>();

/**
 * Takes the directory for this process and returns the function that gives it back.
 *
 * SQLite's exclusive transaction stands for the lock: the system ends it together with the process.
 *
 * @throws DirectoryInUseError while another process has it.
 */
export function lockDirectory(directory: string, waitMs = WAIT_MS): () => void {
  mkdirSync(directory, { recursive: true });
  const ownerFile = join(directory, 'in-use-by.pid');
  const lock = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: waitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new DirectoryInUseError(
      `${directory} is in use by process ${readOwner(ownerFile)}: stop that one, or use another directory`,
    );
  }
  writeFileSync(ownerFile, String(process.pid));
  locks.add(lock);
  return () => {
    if (locks.delete(lock)) lock.close();
  };
}

/**
 * Takes the directory as soon as no one else has it, and returns the function that gives it back. `onWait` is called once
 * if someone else has it.
 */
export async function waitForDirectory(directory: string, onWait: () => void): Promise<() => void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return lockDirectory(directory, 0);
    } catch (error) {
      if (!(error instanceof DirectoryInUseError)) throw error;
      if (attempt === 1) onWait();
      await sleep(POLL_MS);
    }
  }
}

/** The owner may not have written it yet. */
function readOwner(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '(unknown)';
}
