import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { canInstallPrograms, installPrograms } from './install-programs.ts';

const run = promisify(execFile);

/** Folders that hold servers although an ordinary user's PATH often leaves them out. */
const EXTRA_FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/redis/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/usr/local/opt/mariadb/bin',
];

/** The database server's program, and how its data directory is made. */
export interface MysqlProgram {
  server: string;
  flavour: 'mariadb' | 'mysql';
  /** The version line, without the path: part of the name of a cached data directory. */
  version: string;
}

/** The programs a private instance needs; null for a store that somebody else runs. */
export interface Programs {
  redisServer: string | null;
  mysql: MysqlProgram | null;
}

/** Finds the servers asked for; installs them on Debian or Ubuntu as root, else throws with the commands to type. */
export async function requirePrograms(
  needed: { redis: boolean; mysql: boolean },
  log: (line: string) => void,
): Promise<Programs> {
  let missing = missingPrograms(needed);
  if (missing.length > 0 && canInstallPrograms()) {
    try {
      await installPrograms(missing, log);
    } catch (error) {
      throw new Error(howToInstall(missing), { cause: error });
    }
    missing = missingPrograms(needed);
  }
  if (missing.length > 0) throw new Error(howToInstall(missing));
  return {
    redisServer: needed.redis ? findProgram('redis-server') : null,
    mysql: needed.mysql ? await findMysql() : null,
  };
}

/** The absolute path of a program on PATH or in the usual server folders, or null. */
export function findProgram(...names: string[]): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...EXTRA_FOLDERS];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (existsSync(path) && isExecutable(path)) return path;
    }
  }
  return null;
}

function missingPrograms(needed: { redis: boolean; mysql: boolean }): string[] {
  const missing: string[] = [];
  if (needed.redis && findProgram('redis-server') === null) missing.push('redis-server');
  if (needed.mysql && findProgram('mariadbd', 'mysqld') === null) missing.push('mariadbd');
  return missing;
}

async function findMysql(): Promise<MysqlProgram | null> {
  const server = findProgram('mariadbd', 'mysqld');
  if (server === null) return null;
  const { stdout } = await run(server, ['--no-defaults', '--version']);
  const version = stdout.slice(stdout.indexOf('Ver')).trim();
  return { server, flavour: /mariadb/i.test(version) ? 'mariadb' : 'mysql', version };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function howToInstall(missing: string[]): string {
  return [
    `Not found on this machine: ${missing.join(', ')}. Install them, or point REDIS_URL and MYSQL_URL at running servers.`,
    '  Debian, Ubuntu: sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-server mariadb-server-core',
    '  macOS:          brew install redis mariadb',
    '  Docker:         docker run -d --rm -p 127.0.0.1:6379:6379 redis:7',
    '                  docker run -d --rm -p 127.0.0.1:3306:3306 -e MARIADB_ROOT_PASSWORD=local mariadb:11',
    '                  export REDIS_URL=redis://127.0.0.1:6379 MYSQL_URL=mysql://root:local@127.0.0.1:3306',
  ].join('\n');
}
