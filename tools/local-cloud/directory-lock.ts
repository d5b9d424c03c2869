import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, endProcess, goneWithin, isAlive } from './processes.ts';

const LOCK_FILE = 'in-use.json';

/** Time a supervisor whose parent has died gets to stop its servers before it is killed. */
const STOPPING_MS = 30_000;

/** Another live process runs its servers on the directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

interface Credential {
  supervisorPid: number;
  parentPid: number;
}

/**
 * Takes the directory for this supervisor process.
 *
 * Waits for a supervisor that is stopping because its parent died, and removes the lock of one that was killed.
 * Throws DirectoryInUseError where the other parent is alive.
 */
export async function lockDirectory(directory: string, parentPid: number): Promise<() => void> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, LOCK_FILE);
  const content = JSON.stringify({ supervisorPid: process.pid, parentPid } satisfies Credential);
  while (!createWhole(path, content)) {
    const text = readText(path);
    if (text === null) continue;
    const holder = parseHolder(text);
    if (holder !== null && isSupervisor(holder.supervisorPid, directory)) {
      if (isAlive(holder.parentPid)) {
        throw new DirectoryInUseError(
          `${directory} is in use by process ${holder.parentPid}: stop that one, or use another directory`,
        );
      }
      if (!(await goneWithin(holder.supervisorPid, STOPPING_MS))) await endProcess(holder.supervisorPid, 0);
    }
    removeStale(path, text);
  }
  return () => {
    if (readText(path) === content) rmSync(path, { force: true });
  };
}

/** Creates the file with all of its content, or returns false where it exists: a reader never sees half of it. */
function createWhole(path: string, content: string): boolean {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead holder's lock; where another starter was quicker and holds it now, its lock is put back. */
function removeStale(path: string, expected: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const taken = readText(aside);
  if (taken !== expected && taken !== null) createWhole(path, taken);
  rmSync(aside, { force: true });
}

function isSupervisor(pid: number, directory: string): boolean {
  if (!isAlive(pid)) return false;
  const line = commandLine(pid);
  // Process ids are used again: only a supervisor of this very directory counts.
  return line === null || (line.includes('supervisor') && line.includes(directory));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function parseHolder(text: string): Credential | null {
  try {
    const value = JSON.parse(text) as Partial<Credential>;
    if (typeof value.supervisorPid !== 'number' || typeof value.parentPid !== 'number') return null;
    return { supervisorPid: value.supervisorPid, parentPid: value.parentPid };
  } catch {
    return null;
  }
}
