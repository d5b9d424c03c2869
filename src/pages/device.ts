import browserParsers from 'bowser/src/parser-browsers.js';
import systemParsers from 'bowser/src/parser-os.js';

/** Cloudflare's own codes beside ISO 3166-1: no data, and the Tor network. */
const CLOUDFLARE_COUNTRIES: Readonly<Record<string, string>> = { XX: 'unknown country', T1: 'Tor network' };
// bowser's last entry takes the first word of anything for a name.
const knownBrowsers = browserParsers.slice(0, -1);
const UNKNOWN_AGENT_CHARACTERS = 40;

/**
 * A device in words: what the app called it, else "Firefox on Windows 11", else the beginning of what it sent.
 * A user agent is a claim, not a fact; it is for recognising one's own devices only.
 */
export function describeDevice(deviceName: string | null, userAgent: string | null): string {
  if (deviceName !== null) return deviceName;
  if (userAgent === null) return 'Unknown device';
  const browser = describeWith(knownBrowsers, userAgent);
  const system = describeWith(systemParsers, userAgent);
  const words = [browser?.name, system && [system.name, system.versionName].filter(Boolean).join(' ')];
  const known = words.filter((word) => word !== undefined && word !== '');
  if (known.length > 0) return known.join(' on ');
  const characters = [...userAgent];
  return characters.length <= UNKNOWN_AGENT_CHARACTERS
    ? userAgent
    : `${characters.slice(0, UNKNOWN_AGENT_CHARACTERS).join('')}…`;
}

function describeWith(list: typeof browserParsers, userAgent: string) {
  const parser = {
    getUA: () => userAgent,
    test: (pattern: RegExp) => pattern.test(userAgent),
    // Client hints, which we do not ask browsers for.
    getBrandVersion: () => undefined,
    hasBrand: () => false as const,
  };
  const found = list.find(({ test }) =>
    typeof test === 'function' ? test(parser) : test.some((pattern) => pattern.test(userAgent)),
  );
  return found?.describe(userAgent, parser);
}

let countryNames: Intl.DisplayNames | null = null;

/** A country in English; null where it is not told. */
export function describeCountry(code: string | null): string | null {
  if (code === null) return null;
  countryNames ??= new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });
  // `of` throws for what is no region by its form, such as Cloudflare might add.
  return CLOUDFLARE_COUNTRIES[code] ?? (/^[A-Z]{2}$/.test(code) ? countryNames.of(code) : code) ?? code;
}
