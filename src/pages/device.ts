import browserParsers from 'bowser/src/parser-browsers.js';
import systemParsers from 'bowser/src/parser-os.js';
import { visibleName } from '../lib/text.ts';

/** Cloudflare's own codes beside ISO 3166-1: no data, and the Tor network. */
const CLOUDFLARE_COUNTRIES: Readonly<Record<string, string>> = { XX: 'unknown country', T1: 'Tor network' };
// bowser's last entry makes a name of the first word of anything.
const knownBrowsers = browserParsers.slice(0, -1);
const UNKNOWN_AGENT_CHARACTERS = 40;

/**
 * A device in words: as the app named it, else "Firefox on Windows 11", else the beginning of its user agent. A user agent
 * is a claim, not a fact; it only helps users to recognise their own devices.
 */
export function describeDevice(deviceName: string | null, userAgent: string | null): string {
  if (deviceName !== null) return deviceName;
  if (userAgent === null) return 'Unknown device';
  const browser = describeWith(knownBrowsers, userAgent);
  const system = describeWith(systemParsers, userAgent);
  const words = [browser?.name, system && [system.name, system.versionName].filter(Boolean).join(' ')];
  const known = words.filter((word) => word !== undefined && word !== '');
  if (known.length > 0) return known.join(' on ');
  const visible = visibleName(userAgent);
  if (visible === null) return 'Unknown device';
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

let countryNames: Intl.DisplayNames | null = null;

/** A country in English; null if it isn't known. */
export function describeCountry(code: string | null): string | null {
  if (code === null) return null;
  countryNames ??= new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });
  // `of` throws for what can't be a region by its form, such as a code that Cloudflare might add.
  return CLOUDFLARE_COUNTRIES[code] ?? (/^[A-Z]{2}$/.test(code) ? countryNames.of(code) : code) ?? code;
}
