import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { waitForDirectory } from './local-cloud/directory-lock.ts';

const run = promisify(execFile);

const DIRECTORY = join(import.meta.dirname, '../.local/packages');

/** The archive gets security fixes all the time. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

/** In each folder, written last. */
const STAMP = 'fetched-at';

export interface FetchOptions {
  /** Holds a folder for each set of packages. */
  directory?: string;
  /** Whether the folder has what is needed: what was installed when it was made may be gone by now. */
  isComplete?: (folder: string) => boolean;
  log?: (line: string) => void;
}

/** True on Debian and Ubuntu, and where apt works as there. */
export function canFetchPackages(): boolean {
  return /\b(debian|ubuntu)\b/.test(release()) && existsSync('/usr/bin/apt-get');
}

/** Ubuntu itself, not what is like it. */
export function isUbuntu(): boolean {
  return release().startsWith('ubuntu ');
}

/** Those of the packages that aren't installed: all of them where there is no dpkg. */
export async function missingPackages(packages: readonly string[]): Promise<string[]> {
  const format = '${Package} ${db:Status-Status}\n';
  // The exit status is 1 if dpkg doesn't know one of them.
  const { stdout } = await run('dpkg-query', ['-W', '-f', format, ...packages]).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  const lines = stdout.split('\n');
  return packages.filter((name) => !lines.includes(`${name} installed`));
}

/**
 * Fetches packages with apt, and what they need and this machine lacks, and unpacks them into a folder, which is
 * returned. Nothing is installed, and root isn't needed. A folder of an earlier call is used for a month; after that
 * too, if the packages can't be fetched. Throws with apt's output, or if the folder is incomplete even so.
 */
export async function fetchPackages(
  packages: readonly string[],
  { directory = DIRECTORY, isComplete = () => true, log = console.log }: FetchOptions = {},
): Promise<string> {
  const base = join(directory, release().replaceAll(' ', '-'));
  const folder = join(base, packages.join('+'));
  const unlock = await waitForDirectory(base, () => log('Waiting for another process to fetch packages ...'));
  try {
    const ageMs = isComplete(folder) ? ageOf(folder) : Infinity;
    if (ageMs < KEPT_MS) return folder;
    log(`Fetching ${packages.join(', ')} into ${relative('.', base)}; nothing is installed ...`);
    try {
      const partial = `${folder}.partial`;
      await unpack(packages, partial, join(base, 'apt'));
      if (!isComplete(partial))
        throw new Error(`${partial} lacks what is needed from ${packages.join(', ')}`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(partial, folder);
    } catch (error) {
      if (ageMs === Infinity) throw error;
      log(`Couldn't update the packages, so the existing ones are used: ${(error as Error).message}`);
    }
    return folder;
  } finally {
    unlock();
  }
}

/** Where the programs of a fetched folder are. */
export function programFolders(folder: string): string[] {
  return ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((name) => join(folder, name));
}

/** The variables with which programs of a fetched folder find its files: libraries, Python's modules, fonts, time zones. */
export function environmentOf(folder: string, environment = process.env): Record<string, string> {
  const libraries = ['usr/lib', 'lib']
    .map((name) => join(folder, name))
    .flatMap((path) => subfolders(path).map((name) => join(path, name)))
    .filter((path) => path.endsWith('-linux-gnu'))
    // Chromium's PulseAudio looks for the second one at its absolute path only.
    .flatMap((path) => [path, join(path, 'pulseaudio')]);
  const lists = {
    PATH: programFolders(folder),
    LD_LIBRARY_PATH: libraries,
    PYTHONPATH: [join(folder, 'usr/lib/python3/dist-packages')],
  };
  const places = {
    FONTCONFIG_FILE: 'etc/fonts/fonts.conf',
    // fonts.conf names its subfolder fonts.
    ...(existsSync(join(folder, 'usr/share/fonts')) && { XDG_DATA_HOME: 'usr/share' }),
    PYTHONTZPATH: 'usr/share/zoneinfo',
  };
  return Object.fromEntries([
    ...Object.entries(lists).map(([name, paths]) => [
      name,
      [...paths, environment[name]].filter(Boolean).join(':'),
    ]),
    ...Object.entries(places)
      .map(([name, path]) => [name, join(folder, path)] as const)
      .filter(([, path]) => existsSync(path)),
  ]) as Record<string, string>;
}

/** Say `debian 12`, or with what it is like: `linuxmint 22 ubuntu debian`. Empty on other systems. */
function release(): string {
  if (!existsSync('/etc/os-release')) return '';
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return [field('ID'), field('VERSION_ID'), field('ID_LIKE')].filter(Boolean).join(' ');
}

/** In milliseconds; infinite if there is none, or not all of it. */
function ageOf(folder: string): number {
  const stamp = statSync(join(folder, STAMP), { throwIfNoEntry: false });
  return stamp === undefined ? Infinity : Date.now() - stamp.mtimeMs;
}

const subfolders = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

async function unpack(packages: readonly string[], folder: string, apt: string): Promise<void> {
  const archives = join(apt, 'archives');
  for (const path of [folder, archives]) rmSync(path, { recursive: true, force: true });
  for (const path of [folder, join(archives, 'partial'), join(apt, 'lists/partial')])
    await mkdir(path, { recursive: true });
  const options = Object.entries({
    'Dir::State': apt,
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': apt,
    'Dir::Log': apt,
    // Larger than the lists, and used twice.
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    // Its locks are the system's; ours is around all this.
    'Debug::NoLocking': 'true',
    'Acquire::GzipIndexes': 'true',
    'Acquire::Languages': 'none',
    // As root it would download as a user who may not enter a home.
    'APT::Sandbox::User': 'root',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const aptGet = (...args: string[]) =>
    run('apt-get', ['-q', ...options, ...args], {
      maxBuffer: Infinity,
      env: { ...process.env, LC_ALL: 'C' },
    });
  // A source that we don't need may be unreachable.
  const updateError: unknown = await aptGet('update').then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    // A named package is downloaded even if it is installed: another one may link to its files.
    await aptGet(
      'install',
      '--yes',
      '--download-only',
      '--no-install-recommends',
      '--reinstall',
      ...packages,
    );
  } catch (error) {
    throw new Error((error as Error).message, { cause: updateError ?? error });
  }
  const files = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  for (const file of files) await run('dpkg-deb', ['-x', join(archives, file), folder]);
  rmSync(archives, { recursive: true });
  writeFileSync(join(folder, STAMP), '');
}
