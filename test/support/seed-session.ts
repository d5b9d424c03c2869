import type { UserId } from '../../src/lib/ids.ts';
import type { Session } from '../../src/session/session.ts';
import { EXPIRED_KEPT_SECONDS } from '../../src/session/session-store.ts';
import { hashToken, newToken, type Token, type TokenHash } from '../../src/session/token.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { sampleSession, sampleStart } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import type { TestUser } from './people.ts';
import type { Visitor } from './visitor.ts';
import type { TestWorker } from './worker.ts';

export interface SeededSession {
  readonly token: Token;
  readonly tokenHash: TokenHash;
  readonly session: Session;
}

/**
 * An open session without the tenth of a second that a sign-in's bcrypt takes: written by the adapter that the Worker
 * uses. It leaves no login event.
 */
export async function seedSession(
  cloud: CloudProxy,
  user: TestUser,
  changes: Partial<Session> = {},
): Promise<SeededSession> {
  const { sessions, outbox } = openCloudStores(cloud);
  const token = newToken();
  const tokenHash = hashToken(token);
  const session = sampleSession(changes.createdAtMs ?? Date.now(), {
    userId: user.id as UserId,
    username: user.username,
    ...changes,
  });
  const started = await sessions.start(sampleStart(session, tokenHash));
  if (started.status !== 'started') throw new Error(started.status);
  if (started.loginEntryId !== null) await outbox.remove([started.loginEntryId]);
  return { token, tokenHash, session };
}

/** A browser with a session of its own and its `csrftoken`. */
export async function seedVisitor(
  { cloud, worker }: { cloud: CloudProxy; worker: TestWorker },
  user: TestUser,
  changes: Partial<Session> = {},
): Promise<SeededSession & { visitor: Visitor }> {
  const visitor = worker.visitor();
  const seeded = await seedSession(cloud, user, { kind: 'cookie', ...changes });
  await visitor.setCookie(`sessionid=${seeded.token}; Path=/; Secure; HttpOnly`);
  await visitor.get('/home/');
  return { ...seeded, visitor };
}

/** How many seconds a session has left if no request comes, as its record's TTL says. */
export const endsInSeconds = async ({ redis }: CloudProxy, tokenHash: string): Promise<number> =>
  (await redis.ttl(`session:${tokenHash}`)) - EXPIRED_KEPT_SECONDS;
