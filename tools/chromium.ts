import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { canFetchPackages, environmentOf, fetchPackages, isUbuntu } from './debian-packages.ts';

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

/** Finds Chromium (set `CHROMIUM_PATH` for your own), or fetches Debian's. Null: there is none. */
export async function findChromium(): Promise<string | null> {
  return lookForChromium() ?? (await fetchChromium());
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

/** Debian's; Ubuntu's package only installs a snap. What starts it needs this process's environment. */
async function fetchChromium(): Promise<string | null> {
  if (process.env['CHROMIUM_PATH'] !== undefined || !canFetchPackages() || isUbuntu()) return null;
  try {
    const folder = await fetchPackages(['chromium', 'fonts-dejavu-core']);
    Object.assign(process.env, environmentOf(folder));
    return [join(folder, 'usr/lib/chromium/chromium')].find(isExecutable) ?? null;
  } catch (error) {
    console.warn(`Chromium can't be fetched: ${(error as Error).message.trim()}`);
    return null;
  }
}
