import {
  canFetchPackages,
  environmentOf,
  fetchPackages,
  missingPackages,
  programFolders,
} from '../../tools/debian-packages.ts';
import { findProgram } from '../../tools/local-cloud/programs.ts';

/** Modules of Debian's own Python, of which some need it. */
export const PYTHON_PACKAGES = [
  'gunicorn',
  'python3-django',
  'python3-djangorestframework',
  'python3-jwt',
  'python3-cryptography',
  'python3-urllib3',
  'python3-requests',
  'python3-httpx',
  'python3-pip',
  'python3-setuptools',
  'python3-wheel',
];
export const NGINX_PACKAGES = ['nginx'];
export const CADDY_PACKAGES = ['caddy'];
export const DOWNLOAD_PACKAGES = ['curl', 'wget'];

/** Downloading and unpacking takes its time where packages are missing. */
export const PACKAGES_SETUP_TIMEOUT_MS = 600_000;

/** Folders with fetched packages. */
const fetched: string[] = [];

/**
 * Whether there are these Debian packages: installed, or fetched for `debianProgram()`. False where they can't be had,
 * said aloud; with `CI` set that is an error.
 */
export async function havePackages(packages: readonly string[]): Promise<boolean> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return true;
  let cause: unknown;
  if (canFetchPackages())
    try {
      const folder = await fetchPackages(missing);
      fetched.push(folder);
      // For all that is started from here on.
      Object.assign(process.env, environmentOf(folder));
      return true;
    } catch (error) {
      cause = error;
    }
  const advice = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.env['CI']) throw new Error(`These tests cannot run here: ${advice}`, { cause });
  console.warn(`WARNING: these tests are NOT RUN, as packages are missing: ${advice}`, cause ?? '');
  return false;
}

/** The path of a program of Debian's, as another one of that name may come first in PATH. */
export function debianProgram(name: string): string {
  const folders = [...fetched.flatMap(programFolders), '/usr/bin', '/usr/sbin'];
  const path = findProgram([name], folders);
  if (path === null) throw new Error(`There is no ${name} in ${folders.join(', ')}`);
  return path;
}
