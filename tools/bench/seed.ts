import { createHmac } from 'node:crypto';
import type { Redis } from 'ioredis';
import { csrfTokens } from '../../src/security/csrf.ts';
import type { StartRequest } from '../../src/session/session-store.ts';
import type { Session, SessionKind } from '../../src/session/session.ts';
import {
  hashToken,
  newSessionId,
  newToken,
  type Token,
  type TokenHash,
  type UserId,
} from '../../src/session/token.ts';
import { upstashSessionStore } from '../../src/session/upstash-session-store.ts';
import { NO_TRACE } from '../../src/store/store-call.ts';
import { upstashClient, upstashConnection, type RedisClient } from '../../src/store/upstash-client.ts';
import { uuidSeries, uuidV7 } from '../../src/uuid.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import { guardScript } from '../local-cloud/script-guard.ts';
import { clientOf, userIdOf, usernameOf } from './people.ts';

const LANES = 8;
const SESSION_AGE_MS = 86_400_000;
const IDLE_AGE_SECONDS = 7200;
const STORE_TIMEOUT_MS = 10_000;

export interface SeededSession {
  token: Token;
  tokenHash: TokenHash;
  userId: UserId;
}

/** An ordinary session that this person started just now. */
export function sessionOf(person: number, kind: SessionKind): Session {
  const nowMs = Date.now();
  return {
    id: newSessionId(),
    userId: userIdOf(person) as UserId,
    username: usernameOf(person),
    kind,
    rememberMe: false,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    expiresAtMs: nowMs + SESSION_AGE_MS,
    idleAgeSeconds: IDLE_AGE_SECONDS,
    client: clientOf(person),
    deviceName: null,
  };
}

/** The service's own adapter over the local cloud. */
export function cloudRedis(cloud: CloudProxy): RedisClient {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = cloud.env;
  return upstashClient(upstashConnection({ url, token }), STORE_TIMEOUT_MS, NO_TRACE);
}

/** The same commands straight to Redis, for sessions by the hundred thousand: HTTP would take minutes. */
export function directRedis(redis: Redis): RedisClient {
  return {
    get: (key) => redis.get(key),
    eval: (script, keys, args) => redis.eval(guardScript(script), keys.length, ...keys, ...args),
    xdel: async (key, entryIds) => void (await redis.xdel(key, ...entryIds)),
  };
}

/** Starts sessions through the service's own adapter, one for each of these people, in this order. */
export async function seedSessions(
  redis: RedisClient,
  people: readonly number[],
  kind: SessionKind,
): Promise<SeededSession[]> {
  const store = upstashSessionStore(redis);
  return inParallel(people, async (person) => {
    const token = newToken();
    const tokenHash = hashToken(token);
    const session = sessionOf(person, kind);
    const { loginEntryId } = await store.start(startRequest(session, tokenHash));
    // A sign-in's own work behind the answer: its event leaves the outbox.
    if (loginEntryId !== null) await redis.xdel('outbox:pending', [loginEntryId]);
    return { token, tokenHash, userId: session.userId };
  });
}

function startRequest(session: Session, tokenHash: TokenHash): StartRequest {
  const { id, userId, username, client, createdAtMs } = session;
  return {
    tokenHash,
    session,
    login: {
      type: 'login',
      id: uuidV7(createdAtMs),
      userId,
      username,
      outcome: 'success',
      sessionId: id,
      client,
      occurredAtMs: createdAtMs,
    },
    replaces: [],
    maxSessionsPerUser: 50,
    checkedFromMs: createdAtMs,
    ending: {
      operationId: uuidV7(createdAtMs),
      nowMs: createdAtMs,
      client,
      eventIds: uuidSeries(createdAtMs),
    },
  };
}

/** A browser's `Cookie` header with a session and the CSRF token that goes with it. */
export async function browserCookies(
  secretKey: string,
  { token, tokenHash, userId }: SeededSession,
): Promise<{ cookie: string; formToken: string }> {
  const csrf = csrfTokens([secretKey]);
  const value = csrf.newCookie(tokenHash, userId);
  return { cookie: `sessionid=${token}; csrftoken=${value}`, formToken: csrf.formToken(value) };
}

/** Sessions of better-auth, made by its own code, as `Cookie` headers. */
export async function seedBetterAuth(
  origin: string,
  secretKey: string,
  people: readonly number[],
): Promise<string[]> {
  // One person's sessions must not start at once: its list of them is read, changed and written back.
  const groups = new Map<number, number[]>();
  people.forEach((person, place) =>
    groups.set(person % LANES, [...(groups.get(person % LANES) ?? []), place]),
  );
  const cookies: string[] = [];
  await inParallel([...groups.values()], async (places) => {
    const answer = await fetch(`${origin}/bench/sessions`, {
      method: 'POST',
      body: JSON.stringify(places.map((place) => userIdOf(people[place] ?? 0))),
    });
    if (!answer.ok)
      throw new Error(`better-auth started no sessions: ${answer.status} ${await answer.text()}`);
    const tokens = (await answer.json()) as string[];
    tokens.forEach((token, i) => {
      const signature = createHmac('sha256', secretKey).update(token).digest('base64');
      cookies[places[i] ?? 0] =
        `__Secure-better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`;
    });
  });
  return cookies;
}

/** Does the work on each item, some at a time; the results are in the items' order. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}
