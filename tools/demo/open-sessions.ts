import { redisOutbox } from '../../src/activity/redis-outbox.ts';
import { newSessionId, uuidV7, type UserId } from '../../src/lib/ids.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import type { Session } from '../../src/session/session.ts';
import { hashToken, newToken } from '../../src/session/token.ts';
import { redisClient, upstashRedis } from '../../src/store/redis-client.ts';
import { StoreTrace } from '../../src/store/store-trace.ts';
import { redisSessionAdmin } from '../hoskie/stores/redis-session-admin.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './history.ts';
import { clientOf, PEOPLE } from './people.ts';

const TIMEOUT_MS = 10_000;

/** A device that is signed in. */
interface OpenDevice {
  /** Indexes into PEOPLE, and into the browsers and addresses of that person. */
  readonly person: number;
  readonly browser: number;
  readonly address: number;
  readonly createdMsAgo: number;
  readonly lastSeenMsAgo: number;
  readonly rememberMe: boolean;
  /** Of an app; null in a browser. */
  readonly deviceName: string | null;
}

const remembered = (
  [person, browser, address]: [number, number, number],
  createdMsAgo: number,
  lastSeenMsAgo: number,
  deviceName: string | null = null,
): OpenDevice => ({ person, browser, address, createdMsAgo, lastSeenMsAgo, rememberMe: true, deviceName });

const DEVICES: readonly OpenDevice[] = [
  remembered([0, 0, 0], 6 * DAY_MS, 3 * HOUR_MS),
  { ...remembered([0, 1, 0], 50 * MINUTE_MS, 4 * MINUTE_MS), rememberMe: false },
  remembered([0, 2, 1], 21 * DAY_MS, 4 * DAY_MS),
  remembered([0, 3, 1], 12 * DAY_MS, 20 * MINUTE_MS, "Dana's iPhone"),
  remembered([1, 0, 0], 9 * DAY_MS, 2 * HOUR_MS),
  remembered([2, 1, 1], 3 * DAY_MS, 35 * MINUTE_MS, 'Pixel 9'),
  remembered([5, 1, 0], 16 * DAY_MS, 30 * HOUR_MS, "Elif's iPhone"),
  remembered([7, 1, 1], 2 * DAY_MS, 9 * HOUR_MS),
];

/** A session that was started, with the sign-in that is to be recorded. */
export type Opened = Pick<Session, 'id' | 'username' | 'client' | 'createdAtMs'>;

/**
 * Signs these devices in, except those that are: a session with the same user, browser and device name is open. Tokens are
 * random and kept by no one. The sign-ins are for the caller to record, at their own time.
 */
export async function openSessions(
  { env }: CloudProxy,
  userIds: ReadonlyMap<string, UserId>,
  nowMs: number,
): Promise<Opened[]> {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  const redis = redisClient(upstashRedis({ url, token }, TIMEOUT_MS), TIMEOUT_MS, new StoreTrace());
  const admin = redisSessionAdmin(redis);
  const opened: Opened[] = [];
  for (const device of DEVICES) {
    const person = PEOPLE[device.person]!;
    const userId = userIds.get(person.username)!;
    const client = clientOf(person, device.browser, device.address);
    const open = await admin.listOf(userId, nowMs);
    const isOpen = open.some(
      ({ session }) =>
        session.client.userAgent === client.userAgent &&
        session.client.ipAddress === client.ipAddress &&
        session.deviceName === device.deviceName,
    );
    if (isOpen) continue;
    const createdAtMs = nowMs - device.createdMsAgo;
    const session: Session = {
      id: newSessionId(),
      userId,
      username: person.username,
      kind: device.deviceName === null ? 'cookie' : 'bearer',
      rememberMe: device.rememberMe,
      createdAtMs,
      lastSeenAtMs: nowMs - device.lastSeenMsAgo,
      // The defaults of docs/settings.md.
      expiresAtMs: createdAtMs + (device.rememberMe ? 30 * DAY_MS : DAY_MS),
      idleAgeSeconds: (device.rememberMe ? 14 * DAY_MS : 2 * HOUR_MS) / 1000,
      client,
      deviceName: device.deviceName,
    };
    await start(redis, session, nowMs);
    opened.push(session);
  }
  return opened;
}

async function start(redis: ReturnType<typeof redisClient>, session: Session, nowMs: number): Promise<void> {
  const { id: sessionId, userId, username, client, createdAtMs } = session;
  const result = await redisSessionStore(redis).start({
    tokenHash: hashToken(newToken()),
    session,
    login: {
      ...{ type: 'login', id: uuidV7(createdAtMs), userId, username, sessionId, client },
      ...{ outcome: 'success', occurredAtMs: createdAtMs },
    },
    replaces: [],
    form: null,
    maxSessionsPerUser: 0,
    checkedFromMs: nowMs,
    operation: { id: uuidV7(nowMs), nowMs, client },
  });
  if (result.status === 'started' && result.loginEntryId !== null)
    await redisOutbox(redis).remove([result.loginEntryId]);
}
