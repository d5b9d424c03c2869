import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { keepSecrets } from './credentials.ts';
import { lockDirectory } from './directory-lock.ts';
import { removeVolumes } from './docker.ts';
import { findFreePort } from './free-port.ts';
import { ensureMysqlData } from './mysql-data.ts';
import { mysqlCommand, mysqlData } from './mysql-server.ts';
import { requireMysql, requireRedis, type MysqlProgram, type Search } from './programs.ts';
import { redisCommand } from './redis-server.ts';
import { endLeftOver, launchServer, type ServerCommand, type ServerProcess } from './server-process.ts';

export { DirectoryInUseError } from './directory-lock.ts';

export interface ServersOptions {
  /** Holds the data between runs; created if it is missing. */
  directory: string;
  /** Deletes the data of earlier runs first. */
  fresh?: boolean;
  /** Folder for cached, freshly initialised MySQL data, shared by several directories; none by default. */
  templates?: string;
  /** Where the servers' programs are looked for. */
  programs?: Omit<Search, 'log'>;
  /** Gets a line for what a person should know; standard error by default. */
  log?: (line: string) => void;
}

/** Where the two servers listen, as `redis://` and `mysql://` addresses. Plain data: other processes can have it. */
export interface ServerAddresses {
  redis: { url: string };
  mysql: { url: string };
}

export interface Servers extends ServerAddresses {
  /** What runs each server and where its data are, for a person to read. */
  origins: { redis: string; mysql: string };
  /** Stops the servers that were started here and waits for their end; those of REDIS_URL and MYSQL_URL go on. */
  stop(): Promise<void>;
}

const START_ATTEMPTS = 3;

const GIVEN_REDIS = 'the server of REDIS_URL';
const GIVEN_MYSQL = 'the server of MYSQL_URL';

interface Started {
  url: string;
  origin: string;
}

/** The data that a run leaves in the directory. */
const DATA = ['redis', 'mysql', 'secrets.json', 'proxy-secrets.json'];

/**
 * Provides a Redis and a MySQL: those of REDIS_URL and MYSQL_URL, each on its own, otherwise private ones on 127.0.0.1.
 *
 * Private servers end with this process, however it ends. Where a program is missing, Docker runs the server, or on
 * Debian and Ubuntu the program is fetched; otherwise the error says what to do.
 *
 * @throws DirectoryInUseError while another process runs servers on the directory.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  // Empty is as good as missing.
  const givenRedis = process.env['REDIS_URL'] || null;
  const givenMysql = process.env['MYSQL_URL'] || null;
  if (givenRedis !== null && givenMysql !== null)
    return {
      redis: { url: givenRedis },
      mysql: { url: givenMysql },
      origins: { redis: GIVEN_REDIS, mysql: GIVEN_MYSQL },
      stop: () => Promise.resolve(),
    };

  const directory = resolve(options.directory);
  const unlock = lockDirectory(directory);
  const running = new Set<ServerProcess>();
  const stop = async (): Promise<void> => {
    await Promise.all([...running].map((server) => server.stop()));
    unlock();
  };
  /** Starts a server on a free port; another process may be quicker to take it. */
  const start = async (commandFor: (port: number) => Promise<ServerCommand>): Promise<Started> => {
    for (let attempt = 1; ; attempt += 1) {
      const command = await commandFor(await findFreePort());
      const server = launchServer(command, log);
      running.add(server);
      try {
        await server.ready;
        const { url, program, data } = command;
        return { url, origin: `${program === 'docker' ? 'Docker' : program}, data in ${data}` };
      } catch (error) {
        await server.stop();
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  };
  try {
    await Promise.all([endLeftOver(directory, 'redis'), endLeftOver(directory, 'mysql')]);
    if (options.fresh === true) {
      for (const entry of DATA) rmSync(join(directory, entry), { recursive: true, force: true });
      if (options.programs?.docker !== false) await removeVolumes(directory);
    }
    const secrets = keepSecrets(join(directory, 'secrets.json'), ['redis', 'mysql']);
    const templates = options.templates === undefined ? null : resolve(options.templates);
    const search = { ...options.programs, log };
    const makeData = (program: MysqlProgram) => ensureMysqlData(program, mysqlData(directory), templates);
    const startRedis = async () => {
      const program = await requireRedis(search);
      return start((port) => redisCommand({ directory, program, port, password: secrets.redis }));
    };
    const startMysql = async () => {
      const program = await requireMysql(search, makeData);
      return start((port) => mysqlCommand({ directory, program, port, password: secrets.mysql }));
    };
    // Settled, as a server that is still starting must be stopped, too, if the other one fails.
    const [redis, mysql] = await Promise.allSettled([
      givenRedis === null ? startRedis() : { url: givenRedis, origin: GIVEN_REDIS },
      givenMysql === null ? startMysql() : { url: givenMysql, origin: GIVEN_MYSQL },
    ]);
    if (redis.status === 'rejected') throw redis.reason;
    if (mysql.status === 'rejected') throw mysql.reason;
    return {
      redis: { url: redis.value.url },
      mysql: { url: mysql.value.url },
      origins: { redis: redis.value.origin, mysql: mysql.value.origin },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
