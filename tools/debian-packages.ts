import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's packages start their services unless this program forbids it with status 101 (invoke-rc.d(8)). */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** Another apt may be running; it is waited for. */
const APT_LOCK_TIMEOUT_SECONDS = 300;

/** Ours wait for each other here: apt itself doesn't wait for the lock of its lists. */
const OWN_LOCK = join(tmpdir(), 'cloud-hoskie-apt.lock');

/** True as root on Debian or Ubuntu (or a distribution that calls itself like them). */
export function canInstallPackages(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false;
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release) && existsSync('/usr/bin/apt-get');
}

/** Installs packages with apt and starts no system service; throws with apt's output. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const forbidden = forbidServices();
  try {
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', ...packages);
  } finally {
    if (forbidden) rmSync(POLICY_FILE, { force: true });
  }
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

/** Forbids service starts while packages are set up; an existing policy stays as it is. */
function forbidServices(): boolean {
  try {
    writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 });
    return true;
  } catch {
    return false;
  }
}

async function apt(...args: string[]): Promise<void> {
  const lock = `DPkg::Lock::Timeout=${APT_LOCK_TIMEOUT_SECONDS}`;
  await run('flock', [OWN_LOCK, 'apt-get', '-q', '-o', lock, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: Infinity,
  });
}
