import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** How long a server may take from its start to its first answer; crash recovery is part of that. */
const READY_WITHIN_MS = 60_000;

/** How long a server gets for a clean stop before SIGKILL. */
const STOP_WITHIN_MS = 20_000;

/** What to start, and how to tell that it works. */
export interface ServerCommand {
  name: 'redis' | 'mysql';
  program: string;
  args: string[];
  /** Text for the server's standard input; null for none. */
  input: string | null;
  logFile: string;
  /** Text that the command line of this very process holds, to know it again after a crash. */
  mark: string;
  /** Rejects while the server does not answer yet. */
  probe(): Promise<void>;
}

/** A child process that speaks its protocol. */
export interface ServerProcess {
  name: ServerCommand['name'];
  pid: number;
  mark: string;
  /** Resolves with the reason when the process ends for whatever reason. */
  ended: Promise<string>;
  /** Stops it cleanly, and hard after 20 s. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits for its first answer; throws with the end of its log where it dies or stays silent.
 * `onSpawn` is told of the process before it answers.
 */
export async function startServer(
  command: ServerCommand,
  onSpawn: (started: ServerProcess) => void,
): Promise<ServerProcess> {
  const log = openSync(command.logFile, 'w', 0o600);
  const child = spawn(command.program, command.args, { stdio: ['pipe', log, log] });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal === null ? `status ${code}` : `signal ${signal}`));
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(command.input ?? '');
  const server: ServerProcess = {
    name: command.name,
    pid: child.pid ?? -1,
    mark: command.mark,
    ended,
    stop: () => stopChild(child, ended),
  };
  if (child.pid !== undefined) onSpawn(server);
  await waitUntilReady(command, ended, server);
  return server;
}

async function waitUntilReady(
  command: ServerCommand,
  ended: Promise<string>,
  server: ServerProcess,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const failure = await Promise.race([
      command.probe().then(
        () => null,
        (error: unknown) => ({ ended: false, reason: String(error) }),
      ),
      ended.then((reason) => ({ ended: true, reason })),
    ]);
    if (failure === null) return;
    if (failure.ended || Date.now() > deadline) {
      if (!failure.ended) await server.stop();
      throw new Error(`${command.program} did not start (${failure.reason}):\n${tail(command.logFile)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
