import browserParsers from 'bowser/src/parser-browsers.js';
import systemParsers from 'bowser/src/parser-os.js';
import { visibleName } from '../lib/text.ts';
import { countryName } from './intl.ts';
import type { Texts } from './texts/texts.ts';

// bowser's last entry makes a name of the first word of anything.
const knownBrowsers = browserParsers.slice(0, -1);
const UNKNOWN_AGENT_CHARACTERS = 40;

/**
 * A device in words: as the app named it, else "Firefox on Windows 11", else the beginning of its user agent. A user agent
 * is a claim, not a fact; it only helps users to recognise their own devices.
 */
export function describeDevice(
  deviceName: string | null,
  userAgent: string | null,
  { device }: Texts,
): string {
  if (deviceName !== null) return deviceName;
  if (userAgent === null) return device.unknown;
  const browser = describeWith(knownBrowsers, userAgent);
  const system = describeWith(systemParsers, userAgent);
  const systemName = [system?.name, system?.versionName].filter(Boolean).join(' ');
  if (browser?.name && systemName) return device.on(browser.name, systemName);
  if (browser?.name || systemName) return browser?.name || systemName;
  const visible = visibleName(userAgent);
  if (visible === null) return device.unknown;
  const characters = [...visible];
  return characters.length <= UNKNOWN_AGENT_CHARACTERS
    ? visible
    : `${characters.slice(0, UNKNOWN_AGENT_CHARACTERS).join('')}…`;
}

function describeWith(list: typeof browserParsers, userAgent: string) {
  const parser = {
    getUA: () => userAgent,
    test: (pattern: RegExp) => pattern.test(userAgent),
    // Client hints, which we don't ask browsers for.
    getBrandVersion: () => undefined,
    hasBrand: () => false as const,
  };
  const found = list.find(({ test }) =>
    typeof test === 'function' ? test(parser) : test.some((pattern) => pattern.test(userAgent)),
  );
  return found?.describe(userAgent, parser);
}

/** A country's name; null if it isn't known. */
export function describeCountry(code: string | null, { device, locale }: Texts): string | null {
  if (code === null) return null;
  // Cloudflare's own codes beside ISO 3166-1: no data, and the Tor network.
  if (code === 'XX') return device.unknownCountry;
  if (code === 'T1') return device.torNetwork;
  // `Intl` throws for what can't be a region by its form, such as a code that Cloudflare might add.
  return /^[A-Z]{2}$/.test(code) ? countryName(locale, code) : code;
}
