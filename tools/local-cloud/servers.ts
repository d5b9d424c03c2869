import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { keepSecrets } from './credentials.ts';
import { lockDirectory } from './directory-lock.ts';
import { findFreePort } from './free-port.ts';
import { MYSQL_USER, mysqlCommand } from './mysql-server.ts';
import { requireMysql, requireRedis } from './programs.ts';
import { redisCommand, redisUrl } from './redis-server.ts';
import { endLeftOver, launchServer, type ServerCommand, type ServerProcess } from './server-process.ts';

export { DirectoryInUseError } from './directory-lock.ts';

export interface ServersOptions {
  /** Holds the data between runs; created if it is missing. */
  directory: string;
  /** Deletes the data of earlier runs first. */
  fresh?: boolean;
  /** Folder for cached, freshly initialised MySQL data, shared by several directories; none by default. */
  templates?: string;
  /** Gets a line for what a person should know; standard error by default. */
  log?: (line: string) => void;
}

export interface RedisAddress {
  host: string;
  port: number;
  /** `redis://:password@host:port`, without the password if there is none. */
  url: string;
}

export interface MysqlAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  /** `mysql://user:password@host:port`, without a database. */
  url: string;
}

/** Where the two servers listen. Plain data: it can be handed to other processes. */
export interface ServerAddresses {
  redis: RedisAddress;
  mysql: MysqlAddress;
}

export interface Servers extends ServerAddresses {
  /** Stops the servers that were started here and waits for their end; those of REDIS_URL and MYSQL_URL go on. */
  stop(): Promise<void>;
}

const START_ATTEMPTS = 3;

/** The data that a run leaves in the directory. */
const DATA = ['redis', 'mysql', 'secrets.json', 'proxy-secrets.json'];

/**
 * Provides a Redis and a MySQL: those of REDIS_URL and MYSQL_URL, each on its own, otherwise private ones on 127.0.0.1.
 *
 * Private servers end with this process, however it ends. Missing programs are installed (Debian or Ubuntu, as root)
 * or named in the error.
 *
 * @throws DirectoryInUseError while another process runs servers on the directory.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const given = {
    redis: process.env['REDIS_URL'] ? parseRedisUrl(process.env['REDIS_URL']) : null,
    mysql: process.env['MYSQL_URL'] ? parseMysqlUrl(process.env['MYSQL_URL']) : null,
  };
  if (given.redis !== null && given.mysql !== null)
    return { redis: given.redis, mysql: given.mysql, stop: () => Promise.resolve() };

  const directory = resolve(options.directory);
  const unlock = lockDirectory(directory);
  const running = new Set<ServerProcess>();
  const stop = async (): Promise<void> => {
    await Promise.all([...running].map((server) => server.stop()));
    unlock();
  };
  /** Starts the server on a free port and returns that; another process may be quicker to take it. */
  const start = async (commandFor: (port: number) => ServerCommand | Promise<ServerCommand>) => {
    for (let attempt = 1; ; attempt += 1) {
      const port = await findFreePort();
      const server = launchServer(await commandFor(port), log);
      running.add(server);
      try {
        await server.ready;
        return port;
      } catch (error) {
        await server.stop();
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  };
  const startRedis = async (password: string): Promise<RedisAddress> => {
    const program = await requireRedis(log);
    const port = await start((port) => redisCommand({ program, directory, port, password }));
    return { host: '127.0.0.1', port, url: redisUrl(port, password) };
  };
  const startMysql = async (password: string): Promise<MysqlAddress> => {
    const program = await requireMysql(log);
    const templates = options.templates === undefined ? null : resolve(options.templates);
    const port = await start((port) => mysqlCommand({ program, directory, templates, port, password }));
    const [host, user] = ['127.0.0.1', MYSQL_USER];
    return { host, port, user, password, url: `mysql://${user}:${password}@${host}:${port}` };
  };
  try {
    await Promise.all([endLeftOver(directory, 'redis'), endLeftOver(directory, 'mysql')]);
    if (options.fresh === true)
      for (const entry of DATA) rmSync(join(directory, entry), { recursive: true, force: true });
    const secrets = keepSecrets(join(directory, 'secrets.json'), ['redis', 'mysql']);
    // Settled, as a server that is still starting must be stopped, too, if the other one fails.
    const [redis, mysql] = await Promise.allSettled([
      given.redis ?? startRedis(secrets.redis),
      given.mysql ?? startMysql(secrets.mysql),
    ]);
    if (redis.status === 'rejected') throw redis.reason;
    if (mysql.status === 'rejected') throw mysql.reason;
    return { redis: redis.value, mysql: mysql.value, stop };
  } catch (error) {
    await stop();
    throw error;
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
