import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { canInstallPackages, installPackages } from './debian-packages.ts';

/** What to do without Chromium. */
export const CHROMIUM_ADVICE = 'Install Chromium or Chrome, or set CHROMIUM_PATH to one.';

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
export async function findChromium(): Promise<string | null> {
  return lookForChromium() ?? (await installChromium());
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

async function installChromium(): Promise<string | null> {
  if (process.env['CHROMIUM_PATH'] !== undefined || !canInstallPackages()) return null;
  console.log('Installing chromium with apt-get, because it is missing ...');
  await installPackages(['chromium', 'fonts-dejavu-core']).catch((error: unknown) => console.warn(error));
  return lookForChromium();
}
