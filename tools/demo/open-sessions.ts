import { newSessionId, uuidV7, type UserId, type Uuid } from '../../src/lib/ids.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import type { Session } from '../../src/session/session.ts';
import { hashToken, newToken } from '../../src/session/token.ts';
import type { redisClient } from '../../src/store/redis-client.ts';
import { redisSessionAdmin } from '../hoskie/stores/redis-session-admin.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './history.ts';
import { clientOf, PEOPLE } from './people.ts';

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

type Redis = ReturnType<typeof redisClient>;

/** A session that was started. */
export interface Opened {
  readonly session: Session;
  /** Primary key of the sign-in's row. */
  readonly loginId: Uuid;
  /** The sign-in in the outbox: to be removed once its row exists. Null: the outbox rejected it. */
  readonly loginEntryId: string | null;
}

/**
 * Signs these devices in, except those that are: a session with the same user, browser, address and device name is open. Tokens
 * are random and kept by no one. The caller records the sign-ins at their own time; until then they are in the outbox.
 */
export async function openSessions(
  redis: Redis,
  userIds: ReadonlyMap<string, UserId>,
  nowMs: number,
): Promise<Opened[]> {
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
    opened.push(await start(redis, session, nowMs));
  }
  return opened;
}

async function start(redis: Redis, session: Session, nowMs: number): Promise<Opened> {
  const { id: sessionId, userId, username, client, createdAtMs } = session;
  const loginId = uuidV7(createdAtMs);
  const result = await redisSessionStore(redis).start({
    tokenHash: hashToken(newToken()),
    session,
    login: {
      type: 'login',
      id: loginId,
      userId,
      username,
      sessionId,
      client,
      outcome: 'success',
      occurredAtMs: createdAtMs,
    },
    replaces: [],
    form: null,
    maxSessionsPerUser: 0,
    checkedFromMs: nowMs,
    operation: { id: uuidV7(nowMs), nowMs, client },
  });
  if (result.status !== 'started') throw new Error(`The session of ${username} is ${result.status}`);
  return { session, loginId, loginEntryId: result.loginEntryId };
}
