import type { ClientInfo } from '../../src/lib/client-info.ts';

// The people of `npm run dev -- --demo`. Addresses are those for documentation (RFC 5737, RFC 3849).

const BROWSERS = {
  windows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
  linux: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  mac: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
  ipad: 'Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  iosApp: 'ExampleApp/4.2.0 (iPhone; iOS 18.7) CFNetwork/3826.600.41 Darwin/24.6.0',
  androidApp: 'ExampleApp/4.2.0 (Linux; Android 16; Pixel 9) okhttp/5.2.1',
} as const;
export type Browser = keyof typeof BROWSERS;

/** One office, one household, and a mobile network. */
const OFFICE = '203.0.113.7';
const HOUSEHOLD = '2001:db8:1:2::';

export interface Person {
  readonly username: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly country: string;
  readonly browsers: readonly [Browser, ...Browser[]];
  /** Where this person signs in from; the second one is the way home. */
  readonly addresses: readonly [string, string];
}

/** Sign in often. The first one is the demo user, whom `npm run dev` adds. */
export const PEOPLE: readonly [Person, ...Person[]] = [
  person('demo', 'Dana', 'Demo', 'DE', ['linux', 'windows', 'ipad', 'iosApp'], [OFFICE, `${HOUSEHOLD}10`]),
  person('amelie', 'Amélie', 'Laurent', 'FR', ['mac', 'iphone'], ['198.51.100.21', '2001:db8:33:1::5']),
  person('ben', 'Ben', 'Okafor', 'DE', ['windows', 'androidApp'], [OFFICE, '192.0.2.44']),
  person('chiara', 'Chiara', 'Ricci', 'IT', ['android', 'edge'], ['198.51.100.88', '192.0.2.61']),
  person('dmitri', 'Dmitri', 'Weber', 'DE', ['linux', 'android'], [OFFICE, '192.0.2.130']),
  person('elif', 'Elif', 'Yılmaz', 'DE', ['mac', 'iosApp'], [`${HOUSEHOLD}11`, OFFICE]),
  person('farah', 'Farah', 'Haddad', 'FR', ['edge', 'iphone'], ['198.51.100.140', '2001:db8:33:9::2']),
  person('grace', 'Grace', 'Murphy', 'IE', ['windows', 'ipad'], ['192.0.2.200', '198.51.100.201']),
  person('hiro', 'Hiro', 'Tanaka', 'NL', ['linux', 'androidApp'], ['192.0.2.17', '2001:db8:77:4::9']),
];

/** Have left: one may not sign in any more, the others have not done so for more than a year. */
export const DISABLED = person('ivan', 'Ivan', 'Novak', 'CZ', ['windows'], ['192.0.2.90', '192.0.2.91']);
export const UNUSED = [
  person('jules', 'Jules', 'Martin', 'FR', ['mac'], ['192.0.2.92', '192.0.2.93']),
  person('karin', 'Karin', 'Berg', 'SE', ['edge'], ['192.0.2.94', '192.0.2.95']),
];

/** Where one of them is on a journey. */
export const JOURNEYS = ['US', 'JP', 'ES', 'PT', 'GB', 'CA', 'BR', 'AT', 'CH', 'NO', 'AU'];
export const HOTEL = '198.51.100.230';

/** Tries the names of others. */
export const ATTACKER: ClientInfo = {
  ipAddress: '203.0.113.66',
  userAgent: 'python-requests/2.32.5',
  country: 'T1',
};
/** Typed by the attacker; no user has them. */
export const NAMES_OF_NO_ONE = ['admin', 'root', 'administrator'];

/** Who a request of this person comes from: with which of the browsers, and from which of the addresses. */
export function clientOf(
  { browsers, addresses, country }: Person,
  browser: number,
  address: number,
): ClientInfo {
  return {
    ipAddress: addresses[address % addresses.length]!,
    userAgent: BROWSERS[browsers[browser % browsers.length]!],
    country,
  };
}

function person(
  username: string,
  firstName: string,
  lastName: string,
  country: string,
  browsers: Person['browsers'],
  addresses: Person['addresses'],
): Person {
  return { username, firstName, lastName, country, browsers, addresses };
}
