/**
 * The process between the program and its servers: it holds a pipe from the program and stops the servers when that
 * pipe closes, for whatever reason (stop(), Ctrl-C, a crash, SIGKILL).
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { keepSecrets } from './credentials.ts';
import { DirectoryInUseError, lockDirectory } from './directory-lock.ts';
import { findFreePort } from './free-port.ts';
import { mysqlCommand } from './mysql-server.ts';
import { commandLine, endProcess } from './processes.ts';
import { redisCommand } from './redis-server.ts';
import { startServer, type ServerCommand, type ServerProcess } from './server-process.ts';
import type {
  MysqlAddress,
  RedisAddress,
  SupervisorMessage,
  SupervisorOrder,
} from './supervisor-messages.ts';

const MYSQL_USER = 'local';

/** A free port can be lost to another process before the server takes it. */
const START_ATTEMPTS = 3;

/** Everything that a run may leave in the directory, the lock aside. */
const OWN_ENTRIES = [
  'redis',
  'redis.log',
  'mysql',
  'mysql.partial',
  'mysql-tmp',
  'mysql-accounts.sql',
  'mysql.log',
  'mysql.pid',
  'secrets.json',
  'proxy-secrets.json',
];
const RUNNING_FILE = 'running.json';

const running = new Map<string, ServerProcess>();
let unlock: (() => void) | null = null;
let stopping: Promise<void> | null = null;

function say(message: SupervisorMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function carryOut(order: SupervisorOrder): Promise<void> {
  const { directory } = order;
  unlock = await lockDirectory(directory, order.parentPid);
  await endLeftOvers(directory);
  if (order.fresh) {
    for (const entry of OWN_ENTRIES) rmSync(join(directory, entry), { recursive: true, force: true });
  }
  const secrets = keepSecrets(join(directory, 'secrets.json'), ['redis', 'mysql']);
  const [redis, mysql] = await Promise.all([
    startRedis(order, secrets.redis),
    startMysql(order, secrets.mysql),
  ]);
  say({ kind: 'ready', redis, mysql });
  for (const server of running.values()) {
    void server.ended.then((reason) => {
      if (stopping === null) say({ kind: 'ended', name: server.name, reason });
    });
  }
}

async function startRedis(order: SupervisorOrder, password: string): Promise<RedisAddress | null> {
  const program = order.redisServer;
  if (program === null) return null;
  const port = await startOnFreePort(order.directory, (port) =>
    redisCommand({ program, directory: order.directory, port, password }),
  );
  return { host: '127.0.0.1', port, url: `redis://:${password}@127.0.0.1:${port}` };
}

async function startMysql(order: SupervisorOrder, password: string): Promise<MysqlAddress | null> {
  const program = order.mysql;
  if (program === null) return null;
  const { directory, templates } = order;
  const user = MYSQL_USER;
  const port = await startOnFreePort(directory, (port) =>
    mysqlCommand({ program, directory, templates, port, user, password }),
  );
  return { host: '127.0.0.1', port, user, password, url: `mysql://${user}:${password}@127.0.0.1:${port}` };
}

async function startOnFreePort(
  directory: string,
  commandFor: (port: number) => ServerCommand | Promise<ServerCommand>,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const command = await commandFor(port);
    if (stopping !== null) throw new Error('stopped while starting');
    try {
      await startServer(command, (server) => {
        running.set(server.name, server);
        noteRunning(directory);
      });
      return port;
    } catch (error) {
      if (attempt >= START_ATTEMPTS || stopping !== null) throw error;
    }
  }
}

/** Writes down what runs, for the next start: a supervisor that is killed cannot stop its servers. */
function noteRunning(directory: string): void {
  const notes = [...running.values()].map(({ pid, mark }) => ({ pid, mark }));
  writeFileSync(join(directory, RUNNING_FILE), JSON.stringify(notes));
}

async function endLeftOvers(directory: string): Promise<void> {
  const path = join(directory, RUNNING_FILE);
  let notes: { pid: number; mark: string }[] = [];
  try {
    notes = JSON.parse(readFileSync(path, 'utf8')) as typeof notes;
  } catch {
    return;
  }
  // Process ids are used again: only a process that shows the server's mark is ended.
  const left = notes.filter(({ pid, mark }) => commandLine(pid)?.includes(mark) === true);
  await Promise.all(left.map(({ pid }) => endProcess(pid, 10_000)));
  rmSync(path, { force: true });
}

function stop(status: number): Promise<void> {
  stopping ??= (async () => {
    await Promise.all([...running.values()].map((server) => server.stop()));
    const directory = process.argv[2];
    if (unlock !== null && directory !== undefined) {
      rmSync(join(directory, RUNNING_FILE), { force: true });
      unlock();
    }
    process.exit(status);
  })();
  return stopping;
}

// The program may be gone when the supervisor still has something to say.
process.stdout.on('error', () => undefined);
// Ctrl-C is the program's to handle; its end closes the pipe.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => void stop(0));

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => {
  carryOut(JSON.parse(line) as SupervisorOrder).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    say({ kind: 'failed', message, inUse: error instanceof DirectoryInUseError });
    void stop(1);
  });
});
lines.once('close', () => void stop(0));
