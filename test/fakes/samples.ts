import type { LoginActivity, LogoutActivity } from '../../src/activity/events.ts';
import type { ClientInfo } from '../../src/lib/client-info.ts';
import type { EventReceiver } from '../../src/lib/event-receivers.ts';
import { base64Url, randomBytes } from '../../src/lib/hash.ts';
import { newSessionId, NO_SESSION_ID, uuidV7, type SessionId, type UserId } from '../../src/lib/ids.ts';
import type { Credential, Operation, StartRequest } from '../../src/session/session-store.ts';
import type { Session } from '../../src/session/session.ts';
import { type TokenHash } from '../../src/session/token.ts';

export const SAMPLE_CLIENT: ClientInfo = {
  ipAddress: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
  country: 'DE',
};

/** Someone whose device isn't known. */
export const STRANGER = { kind: 'stranger' } as const;

let lastUserId = 1000;

/** A user id that no other test of this file has. */
export const newUserId = (): UserId => String((lastUserId += 1)) as UserId;

/** A token hash whose token nobody knows. */
export const newTokenHash = (): TokenHash => base64Url(randomBytes(32)) as TokenHash;

/** A token as its credential, offered alone, with its CSRF token. */
export const offer = <Kind extends Credential['kind']>(tokenHash: TokenHash, kind: Kind) => ({
  kind,
  tokenHash,
  tokenHashes: [tokenHash],
  others: [],
});

/** An ordinary session that began at `nowMs`. */
export function sampleSession(nowMs: number, changes: Partial<Session> = {}): Session {
  return {
    id: newSessionId(),
    userId: newUserId(),
    username: 'ann',
    kind: 'cookie',
    rememberMe: false,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    idleAgeSeconds: 7200,
    client: SAMPLE_CLIENT,
    deviceName: null,
    ...changes,
  };
}

export function sampleOperation(nowMs: number, changes: Partial<Operation> = {}): Operation {
  return {
    id: uuidV7(nowMs),
    nowMs,
    client: { ipAddress: '2001:db8::1', userAgent: 'the browser that ends it', country: 'FR' },
    ...changes,
  };
}

export function sampleLogout(atMs: number, changes: Partial<LogoutActivity> = {}): LogoutActivity {
  return {
    type: 'logout',
    id: uuidV7(atMs),
    userId: newUserId(),
    username: 'ann',
    sessionId: newSessionId(),
    reason: 'logout',
    client: SAMPLE_CLIENT,
    loggedOutAtMs: atMs,
    ...changes,
  };
}

export function sampleLogin(atMs: number, changes: Partial<LoginActivity> = {}): LoginActivity {
  return {
    type: 'login',
    id: uuidV7(atMs),
    userId: newUserId(),
    username: 'ann',
    outcome: 'success',
    sessionId: newSessionId(),
    client: SAMPLE_CLIENT,
    occurredAtMs: atMs,
    ...changes,
  };
}

/** The request that starts this session, at the time when it began. */
export function sampleStart(
  session: Session,
  tokenHash: TokenHash,
  changes: Partial<StartRequest> = {},
): StartRequest {
  const { userId, username, client, createdAtMs } = session;
  return {
    tokenHash,
    session,
    login: sampleLogin(createdAtMs, { userId, username, client, sessionId: session.id }),
    replaces: [],
    form: null,
    maxSessionsPerUser: 0,
    // Later than any cutoff, unless a test says otherwise.
    checkedFromMs: Number.MAX_SAFE_INTEGER,
    operation: sampleOperation(createdAtMs, { client }),
    ...changes,
  };
}

/** The id of no session. */
export const UNKNOWN_SESSION_ID = '0'.repeat(26) as SessionId;

/** A user without sessions, for a renewal that must end none. */
export const NO_USER = { id: NO_SESSION_ID, userId: '4711' as UserId, username: 'no-user' };

/** A receiver of ends of sessions. */
export const sampleReceiver = (changes: Partial<EventReceiver> = {}): EventReceiver => ({
  name: 'billing',
  url: 'https://billing.example.org/events?from=hoskie',
  audience: 'https://billing.example.org',
  token: 'bearer-of-billing',
  events: ['end'],
  ...changes,
});
