import { logActivity, recordInBackground } from '../activity/record-activity.ts';
import type { LoginActivity } from '../activity/events.ts';
import { isStoreUnavailable, storeUnavailable } from '../errors.ts';
import { newSessionId, uuidV7, type UserId } from '../lib/ids.ts';
import type { Settings } from '../settings.ts';
import type { StartResult } from './session-store.ts';
import { retryDuringOutage } from '../store/retry-during-outage.ts';
import { newOperation, type SessionWork } from './session-work.ts';
import type { Session, SessionKind } from './session.ts';
import { hashToken, newToken, type Token, type TokenHash } from './token.ts';

export interface NewSession {
  readonly kind: SessionKind;
  readonly rememberMe: boolean;
  readonly deviceName: string | null;
  /** Token hashes of the request's session cookies, whose sessions end. */
  readonly replaces: readonly TokenHash[];
  /** As in `StartRequest`. */
  readonly form: string | null;
  /** When the password check began, in Unix ms. */
  readonly checkedFromMs: number;
}

export interface StartedSession {
  readonly token: Token;
  readonly tokenHash: TokenHash;
  readonly session: Session;
}

/**
 * Starts a session for a user who has just proved who they are: always under a fresh token, and the sessions of cookies in
 * the request end, so a token planted before the sign-in is worthless after it (session fixation; OWASP Session
 * Management, "Renew the session ID after any privilege level change").
 *
 * @throws `store_unavailable`. If the reply was lost, the session is ended in the background: no client has its token.
 */
export async function startNewSessionFor(
  work: SessionWork,
  user: { readonly id: UserId; readonly username: string },
  { kind, rememberMe, deviceName, replaces, form, checkedFromMs }: NewSession,
): Promise<StartedSession> {
  const { settings, client } = work;
  const operation = newOperation(work);
  const { nowMs } = operation;
  const { ageSeconds, idleAgeSeconds } = lifetimesOf(settings, rememberMe);
  const token = newToken();
  const tokenHash = hashToken(token);
  const session: Session = {
    id: newSessionId(),
    userId: user.id,
    username: user.username,
    kind,
    rememberMe,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    expiresAtMs: nowMs + ageSeconds * 1000,
    idleAgeSeconds,
    client,
    deviceName,
  };
  const login: LoginActivity = {
    type: 'login',
    id: uuidV7(nowMs),
    userId: user.id,
    username: user.username,
    outcome: 'success',
    sessionId: session.id,
    client,
    occurredAtMs: nowMs,
  };
  let result: StartResult;
  try {
    result = await work.sessions.start({
      tokenHash,
      session,
      login,
      replaces,
      form,
      maxSessionsPerUser: settings.MAX_SESSIONS_PER_USER,
      checkedFromMs,
      operation,
    });
  } catch (error) {
    if (isStoreUnavailable(error)) {
      work.inBackground('abandon_start', async ({ sessions }) =>
        recordInBackground(
          work,
          await retryDuringOutage(work.clock, () => sessions.abandon(tokenHash, session, operation)),
        ),
      );
    }
    throw error;
  }
  if (result.status === 'superseded') throw storeUnavailable('redis', 'superseded');
  const { loginEntryId, loginQueuedFor = [], logouts } = result;
  if (loginEntryId === null) logActivity(work, login);
  recordInBackground(work, [
    ...(loginEntryId === null ? [] : [{ entryId: loginEntryId, activity: login, queuedFor: loginQueuedFor }]),
    ...logouts,
  ]);
  return { token, tokenHash, session };
}

/** Absolute and idle lifetime of a new session, in seconds. */
const lifetimesOf = (settings: Settings, rememberMe: boolean) =>
  rememberMe
    ? { ageSeconds: settings.REMEMBER_ME_AGE, idleAgeSeconds: settings.REMEMBER_ME_IDLE_AGE }
    : { ageSeconds: settings.SESSION_COOKIE_AGE, idleAgeSeconds: settings.SESSION_IDLE_AGE };
