import { deliver } from '../activity/delivery.ts';
import type { Activity, LoginActivity, LogoutReason } from '../activity/events.ts';
import type { OutboxEntry } from '../activity/outbox.ts';
import { securityEventOf } from '../activity/security-event.ts';
import type { Deps, RequestScope } from '../deps.ts';
import type { Settings } from '../settings.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import { uuidSeries, uuidV7 } from '../uuid.ts';
import { needsRefresh, type Lifetimes } from './rules.ts';
import type {
  Ending,
  Holder,
  ListResult,
  RecordedLogout,
  RevokeResult,
  RevokeScope,
} from './session-store.ts';
import type { Session, SessionCheck, SessionKind } from './session.ts';
import { hashToken, newSessionId, newToken, type Token, type TokenHash, type UserId } from './token.ts';

/** Pauses between tries to end a session that nobody holds; together below what `waitUntil` allows (30 s). */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000] as const;

/** Absolute and idle life of a new session. */
export function lifetimesOf(settings: Settings, rememberMe: boolean): Lifetimes {
  return rememberMe
    ? { ageSeconds: settings.REMEMBER_ME_AGE, idleAgeSeconds: settings.REMEMBER_ME_IDLE_AGE }
    : { ageSeconds: settings.SESSION_COOKIE_AGE, idleAgeSeconds: settings.SESSION_IDLE_AGE };
}

/**
 * Finds the session of a credential: one wait. It counts as activity, which is written behind the answer.
 * Throws `StoreUnavailableError` when that cannot be told now; the caller answers 503 and keeps the cookie.
 */
export async function resumeSession(request: RequestScope, holder: Holder): Promise<SessionCheck> {
  const nowMs = request.deps.clock.nowMs();
  const check = await request.deps.sessions.check(holder, nowMs);
  noteActivity(request, holder.tokenHash, check);
  return check.status === 'invalid' ? check : { ...check, session: seenNow(check.session, nowMs) };
}

/** The holder's session and all open ones of its user: one wait, and activity like `resumeSession`. */
export async function listSessions(request: RequestScope, holder: Holder): Promise<ListResult> {
  const nowMs = request.deps.clock.nowMs();
  const list = await request.deps.sessions.list(holder, nowMs);
  noteActivity(request, holder.tokenHash, list);
  if (list.status === 'invalid') return list;
  const session = seenNow(list.session, nowMs);
  const sessions = list.sessions.map((each) => (each.id === session.id ? session : each));
  return { ...list, session, sessions };
}

/** As it is once this request is noted: what is shown is never older than the interval of the notes. */
const seenNow = (session: Session, nowMs: number): Session =>
  needsRefresh(session, nowMs) ? { ...session, lastSeenAtMs: nowMs } : session;

/** What every look at a session leaves behind, whichever command found it. */
export function noteActivity(request: RequestScope, tokenHash: TokenHash, check: SessionCheck): void {
  const nowMs = request.deps.clock.nowMs();
  if (check.status === 'valid') {
    const { session } = check;
    if (!needsRefresh(session, nowMs)) return;
    request.afterAnswer('refresh_session', (deps) =>
      deps.sessions.refresh(tokenHash, { ...session, lastSeenAtMs: nowMs }),
    );
    return;
  }
  if (check.tombstone === undefined) return;
  // A token that works no more because its session was ended: perhaps an old tab, perhaps a stolen cookie.
  const { sessionId, userId, reason, endedAtMs, ipAddress } = check.tombstone;
  request.deps.log.event('session_use_after_expire', {
    request_id: request.requestId,
    session_id: sessionId,
    user_id: userId,
    reason,
    ended_at: new Date(endedAtMs).toISOString(),
    ended_by_ip_address: ipAddress,
    ip_address: request.client.ipAddress,
  });
}

export interface NewSession {
  readonly kind: SessionKind;
  readonly rememberMe: boolean;
  readonly deviceName: string | null;
  /** When the look at the password began, in Unix ms. */
  readonly checkedFromMs: number;
  /** Session cookies that came along. */
  readonly replaces: readonly Token[];
}

/**
 * Starts a session for a user who has just shown who they are: always under a fresh token, the ones that came
 * along ended, so that a token planted before the sign-in is worth nothing after it (session fixation; OWASP
 * Session Management, "Renew the session ID after any privilege level change").
 *
 * One wait. If the answer to it is lost, the session is ended in the background and `StoreUnavailableError`
 * thrown: nobody holds the token.
 */
export async function startNewSessionFor(
  request: RequestScope,
  user: { readonly id: UserId; readonly username: string },
  wanted: NewSession,
): Promise<{ token: Token; tokenHash: TokenHash; session: Session }> {
  const { deps, settings, client } = request;
  const nowMs = deps.clock.nowMs();
  const { ageSeconds, idleAgeSeconds } = lifetimesOf(settings, wanted.rememberMe);
  const token = newToken();
  const tokenHash = hashToken(token);
  const replaces = wanted.replaces.map(hashToken);
  const session: Session = {
    id: newSessionId(),
    userId: user.id,
    username: user.username,
    kind: wanted.kind,
    rememberMe: wanted.rememberMe,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    expiresAtMs: nowMs + ageSeconds * 1000,
    idleAgeSeconds,
    client,
    deviceName: wanted.deviceName,
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
  try {
    const started = await deps.sessions.start({
      tokenHash,
      session,
      login,
      replaces,
      maxSessionsPerUser: settings.MAX_SESSIONS_PER_USER,
      checkedFromMs: wanted.checkedFromMs,
      ending: newEnding(request),
    });
    const logins = started.loginEntryId === null ? [] : [{ entryId: started.loginEntryId, activity: login }];
    logActivities(request, [{ activity: login }, ...started.logouts]);
    deliverAfterAnswer(request, [...started.logouts, ...logins]);
  } catch (error) {
    if (error instanceof StoreUnavailableError) {
      request.afterAnswer('abandon_start', (background) =>
        untilStoreAnswers(background, () => background.sessions.abandon(tokenHash, session, nowMs)),
      );
    }
    throw error;
  }
  return { token, tokenHash, session };
}

/** Does background work that an outage must not lose: again and again, for as long as `waitUntil` allows. */
export async function untilStoreAnswers(deps: Deps, work: () => Promise<unknown>): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await deps.clock.sleep(pauseMs);
    }
  }
  await work();
}

/**
 * Ends the sessions of these tokens, for good: one wait. First it is learnt whose they are, then they are
 * destroyed, in one step, since afterwards nobody could tell (as Django's `logout()` does).
 * What is not open any more is left out. Throws `StoreUnavailableError`: then a session may still be open, and
 * the caller says so and keeps the cookie.
 */
export async function terminateSessions(
  request: RequestScope,
  tokens: readonly Token[],
  kind: Holder['kind'],
  reason: LogoutReason,
): Promise<readonly RecordedLogout[]> {
  const tokenHashes = tokens.map(hashToken);
  const logouts = await request.deps.sessions.end(tokenHashes, kind, reason, newEnding(request));
  logActivities(request, logouts);
  deliverAfterAnswer(request, logouts);
  return logouts;
}

/**
 * Ends sessions of the holder's user: one wait. Where that ends one's own, the sessions of twin cookies end too
 * (`cookies` are all that came along; a second wait), as all of these cookies will expire.
 */
export async function revokeSessions(
  request: RequestScope,
  holder: Holder,
  scope: RevokeScope,
  cookies: readonly Token[],
): Promise<RevokeResult> {
  const result = await request.deps.sessions.revoke(holder, scope, newEnding(request));
  if (result.status === 'invalid') noteActivity(request, holder.tokenHash, result);
  if (result.status !== 'revoked') return result;
  logActivities(request, result.logouts);
  deliverAfterAnswer(request, result.logouts);
  const twins = cookies.slice(1);
  if (twins.length === 0 || !endsOwn(result.logouts)) return result;
  const more = await terminateSessions(request, twins, 'cookie', 'logout');
  return { status: 'revoked', logouts: [...result.logouts, ...more] };
}

/** Whether the holder's own session is among those that a revocation ended: only it ends with these reasons. */
export const endsOwn = (logouts: readonly RecordedLogout[]): boolean =>
  logouts.some(({ activity }) => activity.reason === 'logout' || activity.reason === 'logout_all');

/** The part of an ending that this request knows; a new one for each operation. */
export function newEnding(request: RequestScope): Ending {
  const nowMs = request.deps.clock.nowMs();
  return { operationId: uuidV7(nowMs), nowMs, client: request.client, eventIds: uuidSeries(nowMs) };
}

/** Logs what happened, see `securityEventOf`. */
export function logActivities(
  request: RequestScope,
  happened: readonly { readonly activity: Activity }[],
): void {
  for (const { activity } of happened) {
    const [name, fields] = securityEventOf(activity);
    request.deps.log.event(name, { request_id: request.requestId, ...fields });
  }
}

/** Writes rows right after the answer; what fails stays in the outbox for the cron. */
export function deliverAfterAnswer(request: RequestScope, entries: readonly OutboxEntry[]): void {
  if (entries.length === 0) return;
  request.afterAnswer('deliver_activity', (deps) => deliver(deps, entries, deps.clock.nowMs()));
}
