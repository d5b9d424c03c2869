import type { Redis } from 'ioredis';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import {
  hashToken,
  newSessionId,
  newToken,
  type SessionId,
  type Token,
  type TokenHash,
} from '../../src/session/token.ts';
import type { TestUser } from './people.ts';

/**
 * Record version 1, which the release before wrote and this one only reads. Its text is spelt out here and where it
 * is used: made by present code it would follow that wherever it goes.
 */
export interface PreviousSession {
  readonly id: SessionId;
  readonly token: Token;
  readonly tokenHash: TokenHash;
  readonly record: string;
}

export interface PreviousChoice {
  readonly kind?: 'cookie' | 'bearer';
  readonly rememberMe?: boolean;
  readonly createdAtMs?: number;
  readonly lastSeenAtMs?: number;
}

/** As START of the release before did it: the record with its TTL, the index with that of the session's absolute end. */
export async function putListed(
  redis: Redis,
  { key, record, endsAtMs }: { key: string; record: string; endsAtMs: number },
  index: { userId: string; sessionId: string; tokenHash: string; expiresAtMs: number },
): Promise<void> {
  await redis.set(key, record, 'PXAT', endsAtMs);
  await redis.hset(`user-sessions:${index.userId}`, index.sessionId, index.tokenHash);
  await redis.pexpireat(`user-sessions:${index.userId}`, index.expiresAtMs, 'NX');
  await redis.pexpireat(`user-sessions:${index.userId}`, index.expiresAtMs, 'GT');
}

/** An open session of the release before. One whose rules say that it is over is kept for another minute. */
export async function seedPrevious(
  { redis }: CloudProxy,
  user: TestUser,
  { kind = 'cookie', rememberMe = false, ...times }: PreviousChoice = {},
): Promise<PreviousSession> {
  const createdAtMs = times.createdAtMs ?? Date.now();
  const lastSeenAtMs = times.lastSeenAtMs ?? createdAtMs;
  const [ageMs, idleSeconds] = rememberMe ? [2_592_000_000, 1_209_600] : [86_400_000, 7200];
  const expiresAtMs = createdAtMs + ageMs;
  const id = newSessionId();
  const token = newToken();
  const tokenHash = hashToken(token);
  const letter = kind === 'cookie' ? 'c' : 'b';
  const record = `[1,"${id}","${user.id}","${user.username}","${letter}",${rememberMe ? 1 : 0},${createdAtMs},${lastSeenAtMs},${expiresAtMs},${idleSeconds},"203.0.113.7","Mozilla/5.0 (X11; Linux x86_64)","DE",""]`;
  const endsAtMs = Math.max(Math.min(expiresAtMs, lastSeenAtMs + idleSeconds * 1000), Date.now() + 60_000);
  await putListed(
    redis,
    { key: `session:${tokenHash}`, record, endsAtMs },
    { userId: user.id, sessionId: id, tokenHash, expiresAtMs: Math.max(expiresAtMs, endsAtMs) },
  );
  return { id, token, tokenHash, record };
}

/** A session of a release to come: of its record only the first five positions are known now. */
export async function seedLater(
  { redis }: CloudProxy,
  user: TestUser,
  kind: 'cookie' | 'bearer' = 'cookie',
): Promise<PreviousSession> {
  const id = newSessionId();
  const token = newToken();
  const tokenHash = hashToken(token);
  const record = `[3,"${id}","${user.id}","${user.username}","${kind === 'cookie' ? 'c' : 'b'}",{"began":"today"}]`;
  const endsAtMs = Date.now() + 7_200_000;
  await putListed(
    redis,
    { key: `session:${tokenHash}`, record, endsAtMs },
    { userId: user.id, sessionId: id, tokenHash, expiresAtMs: Date.now() + 86_400_000 },
  );
  return { id, token, tokenHash, record };
}
