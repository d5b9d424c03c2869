import { CHROMIUM_ADVICE, findChromium as findAnyChromium } from '../../tools/chromium.ts';

export { launchChromium } from '../../tools/chromium.ts';

/** Downloading and unpacking takes its time where it is missing. */
export const CHROMIUM_SETUP_TIMEOUT_MS = 600_000;

/** A path to Chromium. Null where there is none and none can be had, said aloud; with `CI` set that is an error. */
export async function findChromium(): Promise<string | null> {
  const found = await findAnyChromium();
  if (found !== null) return found;
  if (process.env['CI']) throw new Error(`The browser tests cannot run here. ${CHROMIUM_ADVICE}`);
  console.warn(`WARNING: the browser tests are NOT RUN, as there is no Chromium. ${CHROMIUM_ADVICE}`);
  return null;
}
