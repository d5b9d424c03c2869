import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerCommand } from './docker.ts';
import { programEnvironment, type Program } from './programs.ts';
import { connectRedis } from './redis-connection.ts';
import type { ServerCommand } from './server-process.ts';

export interface RedisServerOptions {
  program: Program | 'docker';
  directory: string;
  port: number;
  password: string;
}

/** Enough logical databases for one a test file; each costs a few hundred bytes. */
const DATABASES = 512;

const INSIDE = { port: 6379, data: '/data' };

/** The command of a private Redis or Valkey: on 127.0.0.1 only, kept on disk, nothing evicted. */
export async function redisCommand(options: RedisServerOptions): Promise<ServerCommand> {
  const { program, directory, port, password } = options;
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const probe = async () => (await connectRedis(url, 0)).disconnect();
  // A file, as everybody can read a command line.
  const configFile = join(directory, 'redis.conf');
  const writeConfig = (listen: string[], data: string) =>
    writeFileSync(configFile, [...listen, ...config(data, password), ''].join('\n'), { mode: 0o600 });

  if (program === 'docker') {
    writeConfig(['bind *', `port ${INSIDE.port}`], INSIDE.data);
    const container = {
      inside: INSIDE,
      port,
      password,
      options: [],
      args: ['valkey-server', '-'],
    };
    return containerCommand({ ...container, name: 'redis', url, directory, input: configFile, probe });
  }
  const data = join(directory, 'redis');
  mkdirSync(data, { recursive: true });
  writeConfig(['bind 127.0.0.1', `port ${port}`], data);
  return {
    name: 'redis',
    url,
    directory,
    data,
    program: program.path,
    args: [configFile],
    environment: programEnvironment(program),
    // Redis shows its address as its process title.
    mark: `127.0.0.1:${port}`,
    probe,
  };
}

const config = (data: string, password: string): string[] => [
  `dir ${JSON.stringify(data)}`,
  `requirepass ${password}`,
  `databases ${DATABASES}`,
  'appendonly yes',
  'appendfsync everysec',
  'save ""',
  'maxmemory-policy noeviction',
  'daemonize no',
];
