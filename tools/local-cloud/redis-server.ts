import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ServerCommand } from './server-process.ts';

export interface RedisServerOptions {
  program: string;
  directory: string;
  port: number;
  password: string;
}

/** Enough logical databases for one a test file; each costs a few hundred bytes. */
const DATABASES = 512;

/** The command of a private redis-server: on 127.0.0.1 only, kept on disk, nothing evicted. */
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
  return {
    name: 'redis',
    program,
    // The configuration goes through standard input: a command line, password and all, is everybody's to read.
    args: ['-'],
    input: `${config.join('\n')}\n`,
    logFile: join(directory, 'redis.log'),
    // Redis shows its address as its process title.
    mark: `127.0.0.1:${port}`,
    probe: () => pingRedis(port, password),
  };
}

/** Rejects unless Redis accepts the password and answers PING (it says LOADING while it reads its data). */
function pingRedis(port: number, password: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let answer = '';
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer to PING')));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.includes('+PONG')) {
        socket.destroy();
        resolve();
      } else if (answer.includes('-')) socket.destroy(new Error(answer.trim()));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('connection closed')));
  });
}
