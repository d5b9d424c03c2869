import { canInstallPackages, installPackages, missingPackages } from '../../tools/debian-packages.ts';

/** Debian's, with modules for its own Python. */
export const SITE_PACKAGES = [
  'gunicorn',
  'python3-django',
  'python3-jwt',
  'python3-cryptography',
  'python3-urllib3',
];
export const DJANGO_PACKAGES = [
  'python3-django',
  'python3-djangorestframework',
  'python3-jwt',
  'python3-cryptography',
  'python3-urllib3',
  'python3-venv',
  'python3-pip',
  'python3-setuptools',
  'python3-wheel',
];
export const NGINX_PACKAGES = ['nginx'];
export const CADDY_PACKAGES = ['caddy'];
export const JAR_PACKAGES = ['curl', 'wget', 'python3-requests', 'python3-httpx'];

/** Downloading and unpacking takes its time where packages are missing. */
export const PACKAGES_SETUP_TIMEOUT_MS = 600_000;

/**
 * Whether these Debian packages are installed; as root on Debian or Ubuntu, missing ones are installed. False where they
 * can't be had, said aloud; with `CI` set that is an error.
 */
export async function havePackages(packages: readonly string[]): Promise<boolean> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return true;
  let cause: unknown;
  if (canInstallPackages()) {
    console.log(`Installing ${missing.join(', ')} with apt-get ...`);
    await installPackages(missing).catch((error: unknown) => (cause = error));
  }
  const left = await missingPackages(packages);
  if (left.length === 0) return true;
  const advice = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${left.join(' ')}`;
  if (process.env['CI']) throw new Error(`These tests cannot run here: ${advice}`, { cause });
  console.warn(`WARNING: these tests are NOT RUN, as packages are missing: ${advice}`, cause ?? '');
  return false;
}
