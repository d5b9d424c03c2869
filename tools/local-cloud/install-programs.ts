import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

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

/** Installs the server packages with apt and starts no system service; throws with apt's last lines. */
export async function installPrograms(missing: string[], log: (line: string) => void): Promise<void> {
  log(`Installing ${PACKAGES.join(' and ')} with apt-get, because ${missing.join(' and ')} is missing ...`);
  const forbidden = forbidServices();
  try {
    await apt(['update']);
    await apt(['install', '-y', '--no-install-recommends', ...PACKAGES]);
  } finally {
    if (forbidden) rmSync(POLICY_FILE, { force: true });
  }
}

/** Forbids service starts while packages are set up; an existing policy is somebody else's and stays. */
function forbidServices(): boolean {
  try {
    writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { flag: 'wx' });
  } catch {
    return false;
  }
  chmodSync(POLICY_FILE, 0o755);
  return true;
}

function apt(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', ['-q', '-o', `DPkg::Lock::Timeout=${APT_LOCK_TIMEOUT_SECONDS}`, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`apt-get ${args[0]} ended with status ${code}:\n${output}`));
    });
  });
}
