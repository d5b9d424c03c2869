import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { canInstallPackages } from '../debian-packages.ts';
import { installPrograms } from './install-programs.ts';

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

/** The programs of each store; in one folder the first one counts (MariaDB's may be called mysqld, too). */
const REDIS_NAMES = ['redis-server', 'valkey-server'];
const MYSQL_NAMES = ['mariadbd', 'mysqld'];

/** The database server's program, and how its data directory is made. */
export interface MysqlProgram {
  server: string;
  flavour: 'mariadb' | 'mysql';
  /** The version line, without the path: part of the name of a cached data directory. */
  version: string;
}

/** Finds the program of a Redis or Valkey. */
export function requireRedis(log: (line: string) => void): Promise<string> {
  return requireProgram(REDIS_NAMES, log);
}

/** Finds the program of a MariaDB or MySQL. */
export async function requireMysql(log: (line: string) => void): Promise<MysqlProgram> {
  const server = await requireProgram(MYSQL_NAMES, log);
  const { stdout } = await run(server, ['--no-defaults', '--version']);
  const version = stdout.slice(stdout.indexOf('Ver')).trim();
  return { server, flavour: /mariadb/i.test(version) ? 'mariadb' : 'mysql', version };
}

/** Finds one of these programs; installs it on Debian or Ubuntu as root, otherwise throws with the commands to type. */
async function requireProgram(names: readonly string[], log: (line: string) => void): Promise<string> {
  let cause: unknown;
  if (findProgram(names) === null && canInstallPackages())
    await installPrograms(names, log).catch((error: unknown) => (cause = error));
  const program = findProgram(names);
  if (program === null) throw new Error(howToInstall(names), { cause });
  return program;
}

/** The absolute path of the first of these programs on PATH or in the usual server folders, or null. */
export function findProgram(names: readonly string[]): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...EXTRA_FOLDERS];
  const paths = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function howToInstall(names: readonly string[]): string {
  return `Not found on this machine: ${names.join(' or ')}. Install one, or set REDIS_URL and MYSQL_URL to running servers.
  Debian, Ubuntu: sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-server mariadb-server-core
  macOS:          brew install redis mariadb
  Docker:         docker run -d --rm -p 127.0.0.1:6379:6379 redis:7
                  docker run -d --rm -p 127.0.0.1:3306:3306 -e MARIADB_ROOT_PASSWORD=local mariadb:11
                  export REDIS_URL=redis://127.0.0.1:6379 MYSQL_URL=mysql://root:local@127.0.0.1:3306`;
}
