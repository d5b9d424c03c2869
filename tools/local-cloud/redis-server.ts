import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectRedis } from './redis-connection.ts';
import type { ServerCommand } from './server-process.ts';

export interface RedisServerOptions {
  program: string;
  directory: string;
  port: number;
  password: string;
}

/** Enough logical databases for one a test file; each costs a few hundred bytes. */
const DATABASES = 512;

/** The command of a private Redis or Valkey: on 127.0.0.1 only, kept on disk, nothing evicted. */
export function redisCommand({ program, directory, port, password }: RedisServerOptions): ServerCommand {
  const data = join(directory, 'redis');
  mkdirSync(data, { recursive: true });
  const config = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${JSON.stringify(data)}`,
    `requirepass ${password}`,
    `databases ${DATABASES}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    'daemonize no',
  ];
  // A file, as everybody can read a command line.
  const configFile = join(directory, 'redis.conf');
  writeFileSync(configFile, `${config.join('\n')}\n`, { mode: 0o600 });
  const url = `redis://:${password}@127.0.0.1:${port}`;
  return {
    name: 'redis',
    url,
    directory,
    program,
    args: [configFile],
    // Redis shows its address as its process title.
    mark: `127.0.0.1:${port}`,
    probe: async () => (await connectRedis(url, 0)).disconnect(),
  };
}
