import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { canFetchPackages, environmentOf, fetchPackages, programFolders } from '../debian-packages.ts';
import { canRunImage, IMAGES } from './docker.ts';

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

/** Debian's and Ubuntu's, fetched together; Debian 12's redis-server is a link to a program of redis-tools. */
const PACKAGES = ['redis-server', 'redis-tools', 'mariadb-server-core'];

/** Where servers are looked for, and who hears of it. */
export interface Search {
  /** Folders that hold programs; by default those of PATH, and the usual ones. */
  folders?: readonly string[];
  /** Holds fetched packages; `.local/packages` by default. */
  packages?: string;
  /** False: not in Docker. */
  docker?: boolean;
  log: (line: string) => void;
}

export interface Program {
  path: string;
  /** Of fetched packages, in which it finds its files; null if it is installed. */
  folder: string | null;
}

/** The database server's program, and how its data directory is made. */
export interface MysqlProgram extends Program {
  flavour: 'mariadb' | 'mysql';
  /** The version line, without the path: part of the name of a cached data directory. */
  version: string;
}

/** The variables that a program runs with. */
export function programEnvironment({ folder }: Program): NodeJS.ProcessEnv {
  return { ...process.env, ...(folder === null ? {} : environmentOf(folder)) };
}

/** Finds a Redis or Valkey: a program, or Docker to run one. Throws with the commands to type if there is none. */
export async function requireRedis(search: Search): Promise<Program | 'docker'> {
  const path = findProgram(REDIS_NAMES, search.folders);
  return path === null ? requireElsewhere(REDIS_NAMES, IMAGES.redis, search) : { path, folder: null };
}

/**
 * Finds a MariaDB or MySQL in the same way. A program that can't make its data directory counts as missing: on Ubuntu,
 * AppArmor keeps `mysqld` from all folders but its own.
 */
export async function requireMysql(
  search: Search,
  makeData: (program: MysqlProgram) => Promise<void>,
): Promise<MysqlProgram | 'docker'> {
  const path = findProgram(MYSQL_NAMES, search.folders);
  if (path !== null)
    try {
      const program = await describeMysql({ path, folder: null });
      await makeData(program);
      return program;
    } catch (error) {
      search.log(`${path} can't be used here: ${(error as Error).message.trim()}`);
    }
  const other = await requireElsewhere(MYSQL_NAMES, IMAGES.mysql, search);
  if (other === 'docker') return other;
  const program = await describeMysql(other);
  await makeData(program);
  return program;
}

async function describeMysql(program: Program): Promise<MysqlProgram> {
  const { stdout } = await run(program.path, ['--no-defaults', '--version'], {
    env: programEnvironment(program),
  });
  const version = stdout.slice(stdout.indexOf('Ver')).trim();
  return { ...program, flavour: /mariadb/i.test(version) ? 'mariadb' : 'mysql', version };
}

/** For a server that isn't installed: Docker if it can run the image, otherwise packages that are fetched. */
async function requireElsewhere(
  names: readonly string[],
  image: string,
  { log, packages, docker = true }: Search,
): Promise<Program | 'docker'> {
  if (docker && (await canRunImage(image, log))) return 'docker';
  let cause: unknown;
  if (canFetchPackages())
    try {
      const find = (folder: string) => findProgram(names, programFolders(folder));
      const folder = await fetchPackages(PACKAGES, {
        log,
        isComplete: (each) => find(each) !== null,
        ...(packages !== undefined && { directory: packages }),
      });
      const path = find(folder);
      if (path !== null) return { path, folder };
    } catch (error) {
      cause = error;
      log(`The packages can't be fetched: ${(error as Error).message.trim()}`);
    }
  throw new Error(howToInstall(names), { cause });
}

/** The absolute path of the first of these programs in the folders (by default PATH's and the usual ones), or null. */
export function findProgram(names: readonly string[], folders?: readonly string[]): string | null {
  const usual = () => [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...EXTRA_FOLDERS];
  const paths = (folders ?? usual()).flatMap((folder) => names.map((name) => join(folder, name)));
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
  return `Not found on this machine: ${names.join(' or ')}. Install it, start Docker, or set REDIS_URL and MYSQL_URL to running servers.
  macOS:          brew install redis mariadb
  Debian, Ubuntu: sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-server mariadb-server-core
  other Linux:    its packages of Redis or Valkey, and of MariaDB or MySQL
  servers:        export REDIS_URL=redis://127.0.0.1:6379 MYSQL_URL=mysql://root:PASSWORD@127.0.0.1:3306`;
}
