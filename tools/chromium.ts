import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { canInstallPrograms } from './local-cloud/install-programs.ts';

/** What to do where there is none. */
export const CHROMIUM_ADVICE = 'Install Chromium or Chrome, or set CHROMIUM_PATH to one.';

/** Another apt may be running; it is waited for, in seconds. */
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
 * A path to Chromium (`CHROMIUM_PATH` names one of your own); installed first where it is missing and this is root
 * on Debian or Ubuntu. Null where there is none and none can be had.
 */
export function findChromium(): string | null {
  return lookForChromium() ?? installChromium();
}

/** Starts it without a window, with the Back cache that people's browsers have and Playwright switches off. */
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
  console.log('Installing chromium with apt-get, because it is needed and missing ...');
  const failure =
    apt('update') ?? apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
  if (failure !== null) console.warn(failure);
  return lookForChromium();
}

/** What went wrong; null if nothing did. */
function apt(...args: string[]): string | null {
  const lock = `DPkg::Lock::Timeout=${APT_LOCK_TIMEOUT_SECONDS}`;
  const { status, error, stdout, stderr } = spawnSync('apt-get', ['-q', '-o', lock, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  });
  if (status === 0) return null;
  return `apt-get ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`.slice(-2000)}`;
}
