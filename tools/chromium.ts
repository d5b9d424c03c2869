import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { canInstallPrograms } from './local-cloud/install-programs.ts';

/** What to do without Chromium. */
export const CHROMIUM_ADVICE = 'Install Chromium or Chrome, or set CHROMIUM_PATH to one.';

/** Waits for another apt that may be running. */
const APT_LOCK_TIMEOUT_SECONDS = 300;

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Finds Chromium (set `CHROMIUM_PATH` for your own), or installs it if this is root on Debian or Ubuntu. Null: there is
 * none.
 */
export function findChromium(): string | null {
  return lookForChromium() ?? installChromium();
}

/** Starts it headless, with the back/forward cache, which Playwright switches off by default. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ARGUMENTS,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}

function lookForChromium(): string | null {
  const own = process.env['CHROMIUM_PATH'];
  return (own === undefined ? PLACES : [own]).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installChromium(): string | null {
  if (process.env['CHROMIUM_PATH'] !== undefined || !canInstallPrograms()) return null;
  console.log('Installing chromium with apt-get, because it is missing ...');
  const failure =
    apt('update') ?? apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
  if (failure !== null) console.warn(failure);
  return lookForChromium();
}

/** Returns what went wrong; null: nothing. */
function apt(...args: string[]): string | null {
  const lock = `DPkg::Lock::Timeout=${APT_LOCK_TIMEOUT_SECONDS}`;
  const { status, error, stdout, stderr } = spawnSync('apt-get', ['-q', '-o', lock, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  });
  if (status === 0) return null;
  return `apt-get ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`.slice(-2000)}`;
}
