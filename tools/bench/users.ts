import bcrypt from 'bcryptjs';

export const PASSWORD = 'correct horse battery staple';
export const BCRYPT_ROUNDS = 10;
/** What a lone bcrypt, and better-auth, compare the password with. */
export const bcryptHash = (): Promise<string> => bcrypt.hash(PASSWORD, BCRYPT_ROUNDS);
/** Where the clients believe they are. */
export const PUBLIC_ORIGIN = 'https://login.example.org';

/** User agents as of 2026: browsers send 100 to 130 characters, apps and webviews more. */
const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36 Edg/148.0.0.0',
  'Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0',
  'Mozilla/5.0 (Linux; Android 16; SM-S931B Build/BP2A.250605.031; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/148.0.7778.96 Mobile Safari/537.36 Instagram/402.0.0.49.94 Android',
] as const;
const COUNTRIES = ['DE', 'US', 'IN', 'BR', 'GB', 'FR'] as const;

export const usernameOf = (user: number): string => `user_${user}`;
/** We choose the ids, so that every candidate's tables hold the same users. */
export const userIdOf = (user: number): string => String(user + 1);

/** The client of the user with this number: seven IPv4 addresses to three IPv6 ones. */
export function clientOf(user: number) {
  const low = user % 65_536;
  const ipAddress =
    user % 10 < 7
      ? `198.${18 + (user % 2)}.${low >> 8}.${low & 255}`
      : `2001:db8:${(user % 4096).toString(16)}:${low.toString(16)}:a1b2:c3d4:e5f6:${low.toString(16)}`;
  return {
    ipAddress,
    userAgent: USER_AGENTS[user % USER_AGENTS.length] ?? USER_AGENTS[0],
    country: COUNTRIES[user % COUNTRIES.length] ?? COUNTRIES[0],
  };
}

/** The headers of every request to every candidate: the client's own and those that Cloudflare adds. */
export function clientHeaders(user: number): Record<string, string> {
  const { ipAddress, userAgent, country } = clientOf(user);
  return {
    Host: new URL(PUBLIC_ORIGIN).host,
    'User-Agent': userAgent,
    Accept: '*/*',
    'Accept-Encoding': 'gzip, br',
    'Accept-Language': 'de-DE,de;q=0.9,en;q=0.7',
    'CF-Connecting-IP': ipAddress,
    'CF-IPCountry': country,
    'CF-Ray': '9e0b1c2d3e4f5a6b-FRA',
    'CF-Visitor': '{"scheme":"https"}',
    'X-Forwarded-For': ipAddress,
    'X-Forwarded-Proto': 'https',
  };
}
