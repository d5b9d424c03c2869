import { StoreTrace } from '../src/store/store-trace.ts';
import type { ClientInfo } from '../src/lib/client-info.ts';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { LoginActivity, LoginOutcome } from '../src/activity/events.ts';
import { redisOutbox } from '../src/activity/redis-outbox.ts';
import type { Operation } from '../src/session/session-store.ts';
import type { SessionKind } from '../src/session/session.ts';
import { hashToken, newToken } from '../src/session/token.ts';
import { redisSessionStore } from '../src/session/redis-session-store.ts';
import { redisClient, upstashRedis } from '../src/store/redis-client.ts';
import { hashPassword } from '../src/auth/password.ts';
import { newSessionId, uuidV7, type SessionId, type UserId } from '../src/lib/ids.ts';
import { openBuiltWorker } from './built-worker.ts';
import { CHROMIUM_ADVICE, findChromium, launchChromium } from './chromium.ts';
import { newSecret } from './local-cloud/credentials.ts';
import type { CloudProxy } from './local-cloud/proxy.ts';
import { startLocalCloud } from './local-cloud/local-cloud.ts';
import { applySqlFile } from './local-cloud/sql-file.ts';

// `npm run screenshots`: the images of the README, from the built Worker with a few invented devices.

const ROOT = join(import.meta.dirname, '..');
const OUTPUT = join(ROOT, 'docs/images');
const VIEWPORT = { width: 1200, height: 800 };

const STORE_TIMEOUT_MS = 10_000;
const BCRYPT_ROUNDS = 10;
/** The number of dots in the picture. */
const PASSWORD_CHARACTERS = 18;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const USERNAME = 'ada';

// Addresses for documentation (RFC 5737, RFC 3849).
const HOME = { ipAddress: '203.0.113.24', country: 'DE' };
const MOBILE = { ipAddress: '2001:db8:4:a1::7c', country: 'DE' };
const OFFICE = { ipAddress: '198.51.100.42', country: 'DE' };
const HOTEL = { ipAddress: '192.0.2.77', country: 'FR' };

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const EDGE = `${CHROME} Edg/142.0.0.0`;
const APP = 'Notes/2.4 okhttp/5.3.0';

interface Device {
  readonly kind: SessionKind;
  readonly client: ClientInfo;
  readonly deviceName: string | null;
  readonly rememberMe: boolean;
  readonly signedInAgoMs: number;
  readonly seenAgoMs: number;
  /** Null: still signed in. */
  readonly signedOutAgoMs: number | null;
}

const DEVICES: readonly Device[] = [
  {
    kind: 'cookie',
    client: { ...MOBILE, userAgent: IPHONE },
    deviceName: null,
    rememberMe: true,
    signedInAgoMs: 6 * DAY_MS,
    seenAgoMs: 18 * MINUTE_MS,
    signedOutAgoMs: null,
  },
  {
    kind: 'bearer',
    client: { ...OFFICE, userAgent: APP },
    deviceName: 'Ada’s Pixel 10',
    rememberMe: true,
    signedInAgoMs: 2 * DAY_MS,
    seenAgoMs: 3 * HOUR_MS,
    signedOutAgoMs: null,
  },
  {
    kind: 'cookie',
    client: { ...HOTEL, userAgent: EDGE },
    deviceName: null,
    rememberMe: false,
    signedInAgoMs: 26 * HOUR_MS,
    seenAgoMs: 25 * HOUR_MS,
    signedOutAgoMs: 25 * HOUR_MS,
  },
  {
    kind: 'cookie',
    client: { ...OFFICE, userAgent: FIREFOX },
    deviceName: null,
    rememberMe: false,
    signedInAgoMs: 4 * HOUR_MS,
    seenAgoMs: 50 * MINUTE_MS,
    signedOutAgoMs: null,
  },
];

/** A sign-in that failed. */
const MISTYPED = { client: { ...HOTEL, userAgent: EDGE }, agoMs: 26 * HOUR_MS + MINUTE_MS };

/** Starts sessions in the past, and ends those that were signed out. */
async function seed(cloud: CloudProxy, userId: UserId, nowMs: number): Promise<void> {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = cloud.env;
  const redis = redisClient(
    upstashRedis({ url, token }, STORE_TIMEOUT_MS),
    STORE_TIMEOUT_MS,
    new StoreTrace(),
  );
  const sessions = redisSessionStore(redis);
  const outbox = redisOutbox(redis);

  for (const device of DEVICES) {
    const createdAtMs = nowMs - device.signedInAgoMs;
    const sessionId = newSessionId();
    const tokenHash = hashToken(newToken());
    await sessions.start({
      tokenHash,
      session: {
        id: sessionId,
        userId,
        username: USERNAME,
        kind: device.kind,
        rememberMe: device.rememberMe,
        createdAtMs,
        lastSeenAtMs: nowMs - device.seenAgoMs,
        expiresAtMs: createdAtMs + 30 * DAY_MS,
        idleAgeSeconds: (14 * DAY_MS) / 1000,
        client: device.client,
        deviceName: device.deviceName,
      },
      login: login(userId, device.client, createdAtMs, 'success', sessionId),
      replaces: [],
      form: null,
      maxSessionsPerUser: 0,
      checkedFromMs: nowMs,
      operation: operation(device.client, createdAtMs),
    });
    if (device.signedOutAgoMs !== null) {
      const atMs = nowMs - device.signedOutAgoMs;
      await sessions.end([tokenHash], device.kind, 'logout', operation(device.client, atMs));
    }
  }
  await outbox.add(login(userId, MISTYPED.client, nowMs - MISTYPED.agoMs, 'bad_credentials'));
}

const login = (
  userId: UserId,
  client: ClientInfo,
  atMs: number,
  outcome: LoginOutcome,
  sessionId: SessionId | null = null,
): LoginActivity => ({
  type: 'login',
  id: uuidV7(atMs),
  userId,
  username: USERNAME,
  outcome,
  sessionId,
  client,
  occurredAtMs: atMs,
});

const operation = (client: ClientInfo, nowMs: number): Operation => ({
  id: uuidV7(nowMs),
  nowMs,
  client,
});

async function addUser(cloud: CloudProxy, password: string): Promise<UserId> {
  const hash = await hashPassword(password, BCRYPT_ROUNDS);
  await cloud.query('INSERT INTO users (username, password_hash) VALUES (?, ?)', [USERNAME, hash]);
  const [row] = await cloud.query('SELECT id FROM users WHERE username = ?', [USERNAME]);
  return String(row?.['id']) as UserId;
}

/** Signs in and takes the two pictures. `deliver` writes the rows that the second one shows. */
async function takePictures(
  browser: Browser,
  origin: string,
  password: string,
  deliver: () => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    baseURL: origin,
    viewport: VIEWPORT,
    deviceScaleFactor: 1,
    colorScheme: 'light',
    userAgent: CHROME,
    extraHTTPHeaders: { 'CF-Connecting-IP': HOME.ipAddress, 'CF-IPCountry': HOME.country },
  });
  const page = await context.newPage();
  const picture = (name: string) =>
    page.screenshot({ path: join(OUTPUT, `${name}.png`), fullPage: true, caret: 'hide' });

  await page.goto('/sign-in/');
  await page.getByLabel('Username').fill(USERNAME);
  await page.getByLabel('Password').fill(password);
  await picture('sign-in');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/home/');
  await deliver();
  await page.goto('/sessions/');
  await picture('sessions');
  await context.close();
}

const chromium = await findChromium();
if (chromium === null) {
  console.error(`npm run screenshots: Chromium is missing. ${CHROMIUM_ADVICE}`);
  process.exit(1);
}
const cloud = await startLocalCloud({
  directory: join(ROOT, '.local/screenshots'),
  templates: join(ROOT, '.local/mysql-templates'),
  fresh: true,
});
try {
  await applySqlFile(cloud, join(ROOT, 'schema.sql'));
  const password = newSecret().slice(0, PASSWORD_CHARACTERS);
  await seed(cloud, await addUser(cloud, password), Date.now());
  const worker = await openBuiltWorker(cloud);
  const browser = await launchChromium(chromium);
  try {
    mkdirSync(OUTPUT, { recursive: true });
    await takePictures(browser, worker.localOrigin, password, () => worker.scheduled());
  } finally {
    await browser.close();
    await worker.stop();
  }
} finally {
  await cloud.stop();
}
