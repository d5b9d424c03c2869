import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

const PACKAGES = ['redis-server', 'mariadb-server-core'];

/** Debian's packages start their services unless this program forbids it with status 101 (invoke-rc.d(8)). */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** Another apt may be running; it is waited for, in seconds. */
const APT_LOCK_TIMEOUT_SECONDS = 180;

/** True as root on Debian or Ubuntu (or a distribution that calls itself like them). */
export function canInstallPrograms(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false;
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release) && existsSync('/usr/bin/apt-get');
}

let installing: Promise<void> | null = null;

/** Installs the packages of both servers with apt, once, and starts no system service; throws with apt's output. */
export function installPrograms(missing: readonly string[], log: (line: string) => void): Promise<void> {
  return (installing ??= install(missing, log));
}

async function install(missing: readonly string[], log: (line: string) => void): Promise<void> {
  log(`Installing ${PACKAGES.join(' and ')} with apt-get, because ${missing.join(' or ')} is missing ...`);
  const forbidden = forbidServices();
  try {
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', ...PACKAGES);
  } finally {
    if (forbidden) rmSync(POLICY_FILE, { force: true });
  }
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
  await promisify(execFile)('apt-get', ['-q', '-o', lock, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: Infinity,
  });
}
