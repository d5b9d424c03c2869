/** Who sent a request; each part is null if the request doesn't say. */
export interface ClientInfo {
  /** IPv4 or compressed IPv6 text. */
  readonly ipAddress: string | null;
  /** At most 512 characters, well-formed Unicode. */
  readonly userAgent: string | null;
  /** Two characters, as Cloudflare reports it. */
  readonly country: string | null;
}

export const NO_CLIENT: ClientInfo = { ipAddress: null, userAgent: null, country: null };

/** Columns and records hold this many characters of a user agent; the rest is cut. */
export const USER_AGENT_MAX_CHARACTERS = 512;

// Dotted decimal, each part 0 to 255 without leading zeros (RFC 6943 section 3.1.1, the strict form).
const IPV4_PATTERN = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
// Where Cloudflare's Pseudo IPv4 puts IPv6 clients: class E (RFC 1112 section 4).
const PSEUDO_IPV4_PATTERN = /^2[45]\d\./;
const IPV4_MAPPED_PATTERN = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const COUNTRY_PATTERN = /^[A-Z0-9]{2}$/;

/**
 * Reads who sent this request. Cloudflare sets `CF-Connecting-IP`, so it can't be forged from outside;
 * `X-Forwarded-For`, `Forwarded`, `X-Real-IP` and `True-Client-IP` can, and are never read.
 * Source: Cloudflare, "Cloudflare HTTP headers".
 */
export function readClientInfo(request: Request): ClientInfo {
  const { headers } = request;
  const connectingIp = parseIpAddress(headers.get('CF-Connecting-IP'));
  const isPseudo = connectingIp !== null && PSEUDO_IPV4_PATTERN.test(connectingIp);
  const ipAddress = isPseudo ? parseIpAddress(headers.get('CF-Connecting-IPv6')) : connectingIp;
  const userAgent = headers.get('User-Agent');
  const cf = (request as { cf?: { country?: unknown } }).cf;
  // The header needs a setting of the zone, and may be set by a Worker of it that calls this one.
  const country = cf?.country ?? headers.get('CF-IPCountry');
  return {
    ipAddress,
    userAgent: userAgent === null || userAgent === '' ? null : cutUserAgent(userAgent),
    country: typeof country === 'string' && COUNTRY_PATTERN.test(country) ? country : null,
  };
}

function cutUserAgent(text: string): string {
  // Cut between characters, not in the middle of one.
  return [...text.slice(0, 2 * USER_AGENT_MAX_CHARACTERS)]
    .slice(0, USER_AGENT_MAX_CHARACTERS)
    .join('')
    .toWellFormed();
}

/**
 * An address in its canonical text: IPv4, also if it came mapped into IPv6 (RFC 4291 section 2.5.5.2), or IPv6 compressed
 * and in lower case (RFC 5952). Null: it isn't one.
 */
export function parseIpAddress(text: string | null): string | null {
  if (text === null) return null;
  if (IPV4_PATTERN.test(text)) return text;
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':') || !URL.canParse(`http://[${text}]/`)) return null;
  // The URL serializer writes IPv6 as RFC 5952 does.
  const ipv6 = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [, high, low] = IPV4_MAPPED_PATTERN.exec(ipv6) ?? [];
  if (high === undefined || low === undefined) return ipv6;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 255])
    .join('.');
}

/**
 * The network that failures are counted by: an IPv4 address, or the /64 that an IPv6 customer has at least (RFC 6177).
 * Null: there is no address.
 */
export function networkOf(ipAddress: string | null): string | null {
  if (ipAddress === null) return null;
  if (!ipAddress.includes(':')) return ipAddress;
  const [head = '', tail] = ipAddress.split('::');
  const headGroups = head === '' ? [] : head.split(':');
  const tailGroups = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(tail === undefined ? 0 : 8 - headGroups.length - tailGroups.length).fill('0');
  const groups = [...headGroups, ...zeros, ...tailGroups];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** The /48 that an IPv6 /64 is in: the most that one customer usually has. Null: it is an IPv4 address. */
export function siteOf(network: string): string | null {
  const [, site] = /^((?:[0-9a-f]+:){2}[0-9a-f]+):[0-9a-f]+::\/64$/.exec(network) ?? [];
  return site === undefined ? null : `${site}::/48`;
}
