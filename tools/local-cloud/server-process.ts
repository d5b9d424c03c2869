import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The time that a server may take to start, recovery after a crash included. */
const READY_WITHIN_MS = 60_000;

/** The time that a server of an earlier run gets for a clean stop before SIGKILL. */
const LEFT_OVER_STOP_MS = 20_000;

const POLL_MS = 50;

/** A server that can be started, and how to see that it works. */
export interface ServerCommand {
  name: 'redis' | 'mysql';
  /** The address that it listens on, with the credentials. */
  url: string;
  directory: string;
  /** Where its data are, for a person to read. */
  data: string;
  program: string;
  args: string[];
  /** This process's own by default. */
  environment?: NodeJS.ProcessEnv;
  /** A file that it reads as its standard input. */
  input?: string;
  /** A command that is run after its end, however that came. */
  cleanUp?: string[];
  /** Text that only this server's command line holds, to recognise it after a crash. */
  mark: string;
  /** Rejects while the server is not ready. */
  probe(): Promise<void>;
}

/** What the keeper of a server needs to know: a single argument, in JSON. */
export type KeeperOptions = Pick<ServerCommand, 'program' | 'args' | 'input' | 'cleanUp' | 'mark'> & {
  note: string;
};

/** What is kept of a running server for the next start on its directory. */
export interface ServerNote {
  pid: number;
  mark: string;
}

export interface ServerProcess {
  /** Rejects with the end of the server's log if it ends or is not ready in time. */
  ready: Promise<void>;
  /** Stops the server cleanly, and hard if it takes too long. */
  stop(): Promise<void>;
}

/** Starts a server that ends together with this process. */
export function launchServer(command: ServerCommand, log: (line: string) => void): ServerProcess {
  const { name, directory, program, args, input, cleanUp, mark } = command;
  const note = noteFile(directory, name);
  const options = { note, mark, program, args, input, cleanUp } as KeeperOptions;
  const logFile = join(directory, `${name}.log`);
  const output = openSync(logFile, 'w', 0o600);
  const keeper = spawn(
    process.execPath,
    [join(import.meta.dirname, 'keep-server.ts'), JSON.stringify(options)],
    {
      // Its own process group: Ctrl-C in a terminal must reach the program only, or the servers would end first.
      detached: true,
      stdio: ['pipe', output, output],
      // Loaders and flags of the program (a test runner's, say) are not for the keeper.
      env: { ...(command.environment ?? process.env), NODE_OPTIONS: '' },
    },
  ) as ChildProcessByStdio<Socket, null, null>;
  closeSync(output);
  keeper.stdin.on('error', () => undefined);
  let phase: 'starting' | 'ready' | 'stopping' | 'ended' = 'starting';
  const ended = once(keeper, 'exit').then(() => {
    if (phase === 'ready') log(`The local ${name} server ended by itself: see ${logFile}.`);
    phase = 'ended';
  });
  const waitUntilReady = async (): Promise<void> => {
    for (const deadline = Date.now() + READY_WITHIN_MS; phase !== 'ready'; await sleep(25)) {
      try {
        await command.probe();
        phase = 'ready';
      } catch (error) {
        if (phase === 'starting' && Date.now() < deadline) continue;
        const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15);
        throw new Error(`${program} did not start:\n${lines.join('\n')}`, { cause: error });
      }
    }
    // A program that has nothing else to do may end, and its servers with it.
    keeper.unref();
    keeper.stdin.unref();
  };
  return {
    ready: waitUntilReady(),
    stop: async () => {
      if (phase !== 'ended') phase = 'stopping';
      keeper.ref();
      keeper.stdin.end();
      await ended;
    },
  };
}

/** Ends the server that an earlier run may have left on the directory, or that is still stopping. */
export async function endLeftOver(directory: string, name: ServerCommand['name']): Promise<void> {
  const path = noteFile(directory, name);
  if (!existsSync(path)) return;
  const { pid, mark } = JSON.parse(readFileSync(path, 'utf8')) as ServerNote;
  // Process ids are used again: only a process that shows the server's mark is ended.
  const isRunning = () => commandLine(pid).includes(mark);
  // One SIGTERM only: at the third, docker's client leaves its container alone.
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isRunning()) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended.
    }
    for (const deadline = Date.now() + LEFT_OVER_STOP_MS; isRunning() && Date.now() < deadline;)
      await sleep(POLL_MS);
  }
}

function noteFile(directory: string, name: ServerCommand['name']): string {
  return join(directory, `${name}.running.json`);
}

/** The command line of a process; '' for one that has ended. */
export function commandLine(pid: number): string {
  try {
    // Other systems than Linux have no /proc, small ones no ps.
    return existsSync('/proc/self/cmdline')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
