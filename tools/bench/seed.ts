import type { Redis } from 'ioredis';
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import { DELIVERY_BATCH_SIZE } from '../../src/activity/delivery.ts';
import { OUTBOX_KEY, SET_ASIDE_KEY } from '../../src/activity/redis-outbox.ts';
import { csrfTokens } from '../../src/http/csrf-tokens.ts';
import type { SessionKind } from '../../src/session/session.ts';
import { hashToken, newToken, type Token, type TokenHash } from '../../src/session/token.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import type { RedisClient } from '../../src/store/redis-client.ts';
import { hashPassword } from '../../src/auth/password.ts';
import { newSessionId, uuidV7, type UserId } from '../../src/lib/ids.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import { guardScript } from '../local-cloud/script-guard.ts';
import { BCRYPT_ROUNDS, clientOf, PASSWORD, userIdOf, usernameOf } from './users.ts';

// The only file here that knows the service's own modules: how users, sessions and events are stored.

export type { SessionKind };
export { newToken };
export { OUTBOX_KEY, SET_ASIDE_KEY };
/** What one run of the cron delivers if a batch takes 0.35 s. */
export const ROWS_PER_CRON_RUN = DELIVERY_BATCH_SIZE * 40;

const SESSION_AGE_MS = 86_400_000;
export const IDLE_AGE_SECONDS = 7200;
const MAX_SESSIONS_PER_USER = 50;
const USERS_PER_INSERT = 5000;
const SESSIONS_AT_ONCE = 500;

/** Adds the users 0 to `count` - 1, all with the same password. */
export async function addUsers(cloud: CloudProxy, count: number): Promise<void> {
  const hash = await hashPassword(PASSWORD, BCRYPT_ROUNDS);
  const rows = Array.from({ length: count }, (_, user) => [userIdOf(user), usernameOf(user), hash]);
  for (let first = 0; first < count; first += USERS_PER_INSERT) {
    const batch = rows.slice(first, first + USERS_PER_INSERT);
    await cloud.query('INSERT INTO users (id, username, password_hash) VALUES ?', [batch]);
  }
}

export interface SeededSession {
  token: Token;
  tokenHash: TokenHash;
  userId: UserId;
}

/** The adapter's client without HTTP between it and Redis: sessions by the hundred thousand would take minutes. */
export function directRedis(redis: Redis): RedisClient {
  return {
    mget: (keys) => redis.mget(...keys),
    eval: (script, keys, args) => redis.eval(guardScript(script), keys.length, ...keys, ...args),
    xdel: async (key, entryIds) => void (await redis.xdel(key, ...entryIds)),
    scan: () => Promise.reject(new Error('not used')),
    keyCount: () => redis.dbsize(),
  };
}

/**
 * Starts sessions through the service's own adapter, one for each of these users, and returns them in this order.
 * `beganAtMs`: when they began, in Unix ms, instead of now.
 */
export async function seedSessions(
  redis: RedisClient,
  users: readonly number[],
  kind: SessionKind,
  beganAtMs?: number,
): Promise<SeededSession[]> {
  const sessions: SeededSession[] = [];
  for (let first = 0; first < users.length; first += SESSIONS_AT_ONCE) {
    const batch = users.slice(first, first + SESSIONS_AT_ONCE);
    sessions.push(...(await Promise.all(batch.map((user) => seedSession(redis, user, kind, beganAtMs)))));
  }
  return sessions;
}

async function seedSession(
  redis: RedisClient,
  user: number,
  kind: SessionKind,
  nowMs = Date.now(),
): Promise<SeededSession> {
  const token = newToken();
  const tokenHash = hashToken(token);
  const account = { userId: userIdOf(user) as UserId, username: usernameOf(user) };
  const client = clientOf(user);
  const id = newSessionId();
  const started = await redisSessionStore(redis).start({
    tokenHash,
    session: {
      id,
      ...account,
      kind,
      client,
      rememberMe: false,
      deviceName: null,
      createdAtMs: nowMs,
      lastSeenAtMs: nowMs,
      expiresAtMs: nowMs + SESSION_AGE_MS,
      idleAgeSeconds: IDLE_AGE_SECONDS,
    },
    login: {
      type: 'login',
      id: uuidV7(nowMs),
      ...account,
      sessionId: id,
      client,
      outcome: 'success',
      occurredAtMs: nowMs,
    },
    replaces: [],
    form: null,
    maxSessionsPerUser: MAX_SESSIONS_PER_USER,
    checkedFromMs: nowMs,
    operation: { id: uuidV7(nowMs), nowMs, client },
  });
  // As if the sign-in had been delivered already.
  if (started.status !== 'started') throw new Error(started.status);
  if (started.loginEntryId !== null) await redis.xdel(OUTBOX_KEY, [started.loginEntryId]);
  return { token, tokenHash, userId: account.userId };
}

/** A browser's `Cookie` header for this session, and the CSRF token for a form that comes with it. */
export function browserCookies(secretKey: string, { token, tokenHash, userId }: SeededSession) {
  const csrf = csrfTokens([secretKey]);
  const value = csrf.newCookie(tokenHash, userId);
  return { cookie: `sessionid=${token}; csrftoken=${value}`, formToken: csrf.formToken(value) };
}

/** An event of this user as the outbox holds it. */
export function encodedEvent(type: 'login' | 'logout', user: number, atMs: number) {
  const common = {
    id: uuidV7(atMs),
    userId: userIdOf(user) as UserId,
    username: usernameOf(user),
    sessionId: newSessionId(),
    client: clientOf(user),
  };
  const event = encodeActivity(
    type === 'login'
      ? { type, outcome: 'success', occurredAtMs: atMs, ...common }
      : { type, reason: 'logout', loggedOutAtMs: atMs, ...common },
  );
  return { id: common.id, event };
}
