import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { DirectoryInUseError } from './directory-lock.ts';
import { requirePrograms } from './programs.ts';
import type {
  MysqlAddress,
  RedisAddress,
  SupervisorMessage,
  SupervisorOrder,
} from './supervisor-messages.ts';

export { DirectoryInUseError } from './directory-lock.ts';
export type { MysqlAddress, RedisAddress } from './supervisor-messages.ts';

export interface ServersOptions {
  /** Holds the data between runs; made where it is missing. */
  directory: string;
  /** Forgets what earlier runs left in the directory. */
  fresh?: boolean;
  /** Folder for cached, freshly initialised MySQL data, shared by several directories; none by default. */
  templates?: string;
  /** Gets a line for what a person should know; standard error by default. */
  log?: (line: string) => void;
}

/** Where the two servers listen. Plain data: it can be handed to other processes. */
export interface ServerAddresses {
  redis: RedisAddress;
  mysql: MysqlAddress;
}

export interface Servers extends ServerAddresses {
  /** Stops the servers that were started here and waits for their end; those of REDIS_URL and MYSQL_URL stay. */
  stop(): Promise<void>;
}

type Supervisor = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Gives a Redis and a MySQL: those of REDIS_URL and MYSQL_URL, each on its own, else private ones on 127.0.0.1.
 *
 * Private servers end with this process, however it ends. Missing programs are installed (Debian or Ubuntu, as root)
 * or named in the error. Throws DirectoryInUseError while another process runs servers on the directory.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const givenRedis = process.env['REDIS_URL'] ? parseRedisUrl(process.env['REDIS_URL']) : null;
  const givenMysql = process.env['MYSQL_URL'] ? parseMysqlUrl(process.env['MYSQL_URL']) : null;
  if (givenRedis !== null && givenMysql !== null) {
    return { redis: givenRedis, mysql: givenMysql, stop: () => Promise.resolve() };
  }
  const programs = await requirePrograms({ redis: givenRedis === null, mysql: givenMysql === null }, log);
  const directory = resolve(options.directory);
  const supervisor = spawnSupervisor(directory);
  const ended = new Promise<void>((done) => supervisor.on('close', () => done()));
  const ready = readMessages(supervisor, ended, log);
  const order: SupervisorOrder = {
    directory,
    parentPid: process.pid,
    fresh: options.fresh ?? false,
    templates: options.templates === undefined ? null : resolve(options.templates),
    ...programs,
  };
  supervisor.stdin.on('error', () => undefined);
  supervisor.stdin.write(`${JSON.stringify(order)}\n`);
  const started = await ready;
  const redis = givenRedis ?? started.redis;
  const mysql = givenMysql ?? started.mysql;
  if (redis === null || mysql === null) throw new Error('the supervisor left out a server');
  letProcessEnd(supervisor, true);
  return {
    redis,
    mysql,
    stop: async () => {
      letProcessEnd(supervisor, false);
      supervisor.stdin.end();
      await ended;
    },
  };
}

function spawnSupervisor(directory: string): Supervisor {
  // Loaders and flags of the program (a test runner's, say) are not for the supervisor.
  const env = { ...process.env };
  delete env['NODE_OPTIONS'];
  return spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), directory], {
    env,
    // Its own process group: Ctrl-C in a terminal must reach the program only, or the servers would die first.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** Resolves with the ready message; rejects when the supervisor fails or ends before that. */
function readMessages(
  supervisor: Supervisor,
  ended: Promise<void>,
  log: (line: string) => void,
): Promise<Extract<SupervisorMessage, { kind: 'ready' }>> {
  return new Promise((done, fail) => {
    let failure = new Error('the supervisor of the local servers ended early');
    supervisor.on('error', fail);
    createInterface({ input: supervisor.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as SupervisorMessage;
      switch (message.kind) {
        case 'ready':
          done(message);
          break;
        case 'failed':
          // Told when it has ended: the caller may then try again at once.
          failure = message.inUse ? new DirectoryInUseError(message.message) : new Error(message.message);
          break;
        case 'ended':
          log(`The local ${message.name} server ended by itself (${message.reason}).`);
          break;
      }
    });
    void ended.then(() => fail(failure));
  });
}

/** With `freely`, a program that has nothing else to do may end, and its servers with it. */
function letProcessEnd(supervisor: Supervisor, freely: boolean): void {
  const handles = [supervisor, supervisor.stdin, supervisor.stdout] as unknown as {
    ref(): void;
    unref(): void;
  }[];
  for (const handle of handles) {
    if (freely) handle.unref();
    else handle.ref();
  }
}

function parseRedisUrl(url: string): RedisAddress {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: port === '' ? 6379 : Number(port), url };
}

function parseMysqlUrl(text: string): MysqlAddress {
  const url = new URL(text);
  return {
    host: url.hostname,
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    url: text,
  };
}
