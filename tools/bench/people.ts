import bcrypt from 'bcryptjs';
import type { ClientInfo } from '../../src/activity/events.ts';
import { hashPassword } from '../../src/user/password.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';

export const PASSWORD = 'correct horse battery staple';
export const BCRYPT_ROUNDS = 10;
/** As many as one run signs out at most. */
export const PEOPLE = 4000;
const INSERT_BATCH = 1000;

/** User agents as they come in 2026: browsers send 100 to 130 characters, apps and webviews more. */
const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36 Edg/148.0.0.0',
  'Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0',
  'Mozilla/5.0 (Linux; Android 16; SM-S931B Build/BP2A.250605.031; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/148.0.7778.96 Mobile Safari/537.36 Instagram/402.0.0.49.94 Android',
];
const COUNTRIES = ['DE', 'US', 'IN', 'BR', 'GB', 'FR'];

/** Where the person with this number comes from: seven IPv4 addresses to three IPv6 ones. */
export function clientOf(index: number): ClientInfo {
  const low = index % 65_536;
  const ipAddress =
    index % 10 < 7
      ? `198.${18 + (index % 2)}.${low >> 8}.${low & 255}`
      : `2001:db8:${(index % 4096).toString(16)}:${low.toString(16)}:a1b2:c3d4:e5f6:${low.toString(16)}`;
  return {
    ipAddress,
    userAgent: USER_AGENTS[index % USER_AGENTS.length] ?? null,
    country: COUNTRIES[index % COUNTRIES.length] ?? null,
  };
}

/** Where the clients think they are. */
export const PUBLIC_ORIGIN = 'https://login.example.org';

/** What comes with every request to every candidate: a client's own headers and those that Cloudflare adds. */
export function clientHeaders(index: number): Record<string, string> {
  const { ipAddress, userAgent, country } = clientOf(index);
  return {
    Host: new URL(PUBLIC_ORIGIN).host,
    'User-Agent': userAgent ?? '',
    Accept: '*/*',
    'Accept-Encoding': 'gzip, br',
    'Accept-Language': 'de-DE,de;q=0.9,en;q=0.7',
    'CF-Connecting-IP': ipAddress ?? '',
    'CF-IPCountry': country ?? '',
    'CF-Ray': '9e0b1c2d3e4f5a6b-FRA',
    'CF-Visitor': '{"scheme":"https"}',
    'X-Forwarded-For': ipAddress ?? '',
    'X-Forwarded-Proto': 'https',
  };
}

export const usernameOf = (index: number): string => `person_${index}`;
/** Ids are given out by us, so that both candidates' tables hold the same people. */
export const userIdOf = (index: number): string => String(index + 1);

/** The hash that a lone bcrypt is compared with. */
export const bcryptHash = (): Promise<string> => bcrypt.hash(PASSWORD, BCRYPT_ROUNDS);

/** Puts everybody into the tables of both candidates, all with one password. */
export async function addPeople(cloud: CloudProxy, hash: string): Promise<void> {
  const serviceHash = await hashPassword(PASSWORD, BCRYPT_ROUNDS);
  const insert = async (into: string, rowOf: (index: number) => unknown[]): Promise<void> => {
    for (let first = 0; first < PEOPLE; first += INSERT_BATCH) {
      const rows = Array.from({ length: Math.min(INSERT_BATCH, PEOPLE - first) }, (_, i) => rowOf(first + i));
      await cloud.query(`INSERT INTO ${into} VALUES ?`, [rows]);
    }
  };
  await insert('users (id, username, password_hash)', (i) => [userIdOf(i), usernameOf(i), serviceHash]);
  await insert('`user` (id, name, email, emailVerified, username, displayUsername)', (i) => [
    userIdOf(i),
    usernameOf(i),
    `${usernameOf(i)}@example.org`,
    1,
    usernameOf(i),
    usernameOf(i),
  ]);
  await insert('account (id, accountId, providerId, userId, password)', (i) => [
    userIdOf(i),
    userIdOf(i),
    'credential',
    userIdOf(i),
    hash,
  ]);
}
