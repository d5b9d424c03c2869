import { createHash } from 'node:crypto';
import { isExpiry, type LogoutActivity, type LogoutReason } from '../../src/activity/events.ts';
import type { PasswordChange } from '../../src/auth/password-changes.ts';
import { NO_CLIENT } from '../../src/lib/client-info.ts';
import type { SessionId, UserId, Uuid } from '../../src/lib/ids.ts';
import { chooseSession, newestFirst } from '../../src/session/record.ts';
import { endsAtMs, isExpired, minuteOf } from '../../src/session/rules.ts';
import {
  ABANDONED_TOKEN_SECONDS,
  EXPIRED_KEPT_SECONDS,
  RECEIPT_SECONDS,
  SIGN_IN_FORM_SECONDS,
  type Credential,
  type ListResult,
  type AuthorizedTokens,
  type OfferedTokens,
  type Operation,
  type RecordedLogout,
  type RenewResult,
  type RevokeResult,
  type RevokeScope,
  type SessionStore,
  type StartRequest,
  type StartResult,
  type UserOfSession,
} from '../../src/session/session-store.ts';
import type {
  InvalidCheck,
  Session,
  SessionCheck,
  Tombstone,
  ValidCheck,
} from '../../src/session/session.ts';
import type { TokenHash } from '../../src/session/token.ts';
import type { ManualClock } from './manual-clock.ts';
import type { MemoryOutbox } from './memory-outbox.ts';
import { Outage } from './outage.ts';
import { refuseIllFormed } from './refusals.ts';

/** Kept until it expires. */
type Kept<T> = T & { readonly goneAtMs: number };
type Open = ValidCheck;

/** Sessions in memory, with a clock that is moved by hand. Each method is atomic. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<TokenHash, Kept<{ readonly session: Session }>>();
  readonly #tombstones = new Map<TokenHash, Kept<{ readonly tombstone: Tombstone }>>();
  readonly #index = new Map<UserId, Map<SessionId, TokenHash>>();
  readonly #receipts = new Map<string, { readonly result: unknown; readonly goneAtMs: number }>();
  /** By user; never deleted, as no test lasts longer than a sign-in. */
  readonly #cutoffsMs = new Map<UserId, number>();
  /** By the token hash of the credential, as a Redis hash has them. */
  readonly passwordChanges = new Map<TokenHash, PasswordChange>();
  /** The minutes in which sessions end, as noted when they were added, and the first that isn't done with. */
  readonly minutes = new Map<number, Set<TokenHash>>();
  oldestMinute = 0;
  readonly #forms = new Map<string, { readonly tokenHash: TokenHash; readonly goneAtMs: number }>();
  readonly #clock: ManualClock;
  readonly #outbox: MemoryOutbox;
  readonly #outage: Outage;

  constructor(clock: ManualClock, outbox: MemoryOutbox, outage: Outage = new Outage()) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#outage = outage;
  }

  check(offered: OfferedTokens, nowMs: number): Promise<SessionCheck> {
    return this.#outage.during('redis', () => this.#check(offered, nowMs));
  }

  refresh(tokenHash: TokenHash, session: Session): Promise<boolean> {
    return this.#outage.during('redis', () => {
      const stored = this.#alive(this.#sessions, tokenHash);
      if (stored === null || stored.session.id !== session.id) return false;
      if (stored.session.lastSeenAtMs >= session.lastSeenAtMs) return false;
      if (isExpired(stored.session, session.lastSeenAtMs)) return false;
      this.#write(tokenHash, session);
      return true;
    });
  }

  start(request: StartRequest): Promise<StartResult> {
    const { tokenHash, session, login, replaces, form, maxSessionsPerUser, checkedFromMs, operation } =
      request;
    return this.#outage.during('redis', (): StartResult => {
      refuseIllFormed([session, login, operation]);
      const existing = this.#alive(this.#sessions, tokenHash);
      if (existing?.session.id === session.id) return { status: 'started', loginEntryId: null, logouts: [] };
      if (this.#isTaken(tokenHash)) return { status: 'superseded' };
      if ((this.#cutoffsMs.get(session.userId) ?? 0) > checkedFromMs) return { status: 'superseded' };
      const earlier = form === null ? undefined : this.#forms.get(form);
      const isRemembered = earlier !== undefined && this.#clock.nowMs() < earlier.goneAtMs;
      if (isRemembered && this.#wasSignedOut(earlier.tokenHash, session.userId))
        return { status: 'superseded' };
      const loginEntryId = this.#outbox.put(login).entryId;
      const logouts: RecordedLogout[] = [];
      for (const replaced of replaces) {
        const old = this.#find(replaced, 'cookie');
        if (old !== null) this.#end(old, 'replaced', operation, logouts);
      }
      if (isRemembered) {
        const first = this.#findOpen(earlier.tokenHash, 'either', operation.nowMs);
        if (first?.session.userId === session.userId) this.#end(first, 'replaced', operation, logouts);
      }
      const others = this.#openSessionsOf(session.userId, operation.nowMs).sort((a, b) =>
        oldestFirst(a.session, b.session),
      );
      const tooMany = maxSessionsPerUser === 0 ? 0 : Math.max(0, others.length - maxSessionsPerUser + 1);
      for (const oldest of others.slice(0, tooMany)) this.#end(oldest, 'evicted', operation, logouts);
      this.#write(tokenHash, session);
      this.noteEnd(tokenHash, session);
      if (form !== null) {
        this.#forms.set(form, { tokenHash, goneAtMs: this.#clock.nowMs() + SIGN_IN_FORM_SECONDS * 1000 });
      }
      return { status: 'started', loginEntryId, logouts };
    });
  }

  abandon(tokenHash: TokenHash, session: Session, operation: Operation): Promise<readonly RecordedLogout[]> {
    return this.#outage.during('redis', () => {
      const logouts: RecordedLogout[] = [];
      const stored = this.#find(tokenHash, 'either');
      if (stored !== null) {
        if (stored.session.id === session.id) this.#end(stored, 'abandoned', operation, logouts);
        return logouts;
      }
      if (this.#alive(this.#tombstones, tokenHash) !== null) return logouts;
      this.#tombstones.set(tokenHash, {
        goneAtMs: this.#clock.nowMs() + ABANDONED_TOKEN_SECONDS * 1000,
        tombstone: {
          sessionId: session.id,
          userId: session.userId,
          reason: 'abandoned',
          endedAtMs: operation.nowMs,
          ipAddress: null,
        },
      });
      return logouts;
    });
  }

  end(
    tokenHashes: readonly TokenHash[],
    kind: Credential['kind'],
    reason: LogoutReason,
    operation: Operation,
  ): Promise<readonly RecordedLogout[]> {
    return this.#once(operation, (done) => {
      const logouts: RecordedLogout[] = [];
      for (const tokenHash of tokenHashes) {
        const found = this.#find(tokenHash, kind);
        if (found !== null) this.#end(found, reason, operation, logouts);
      }
      return done(logouts);
    });
  }

  revoke(authorized: AuthorizedTokens, scope: RevokeScope, operation: Operation): Promise<RevokeResult> {
    return this.#once(operation, (done): RevokeResult => {
      const { kind, others } = authorized;
      const offered = [...authorized.tokenHashes, ...others];
      const any = this.#check({ kind, tokenHashes: offered }, operation.nowMs);
      const own = any.status === 'invalid' ? any : this.#check(authorized, operation.nowMs);
      if (own.status === 'invalid') return own;
      const logouts: RecordedLogout[] = [];
      const all = this.#listed(own.session.userId);
      if (typeof scope === 'object') {
        const wanted = all.find(({ session }) => session.id === scope.only);
        if (wanted === undefined) return { status: 'not_found' };
        this.#end(wanted, scope.only === own.session.id ? 'logout' : 'revoked', operation, logouts);
        if (logouts.length === 0) return { status: 'not_found' };
      } else {
        const reason = scope === 'others' ? 'logout_others' : 'logout_all';
        this.#endAllBut(own.tokenHash, all, reason, operation, logouts);
        if (scope === 'all') this.#end(own, reason, operation, logouts);
      }
      if (this.#findOpen(own.tokenHash, kind, operation.nowMs) === null) {
        for (const tokenHash of offered) {
          const duplicate = this.#findOpen(tokenHash, kind, operation.nowMs);
          if (duplicate !== null) this.#end(duplicate, 'logout', operation, logouts);
        }
      }
      return done({ status: 'revoked', logouts });
    });
  }

  list(offered: OfferedTokens, nowMs: number): Promise<ListResult> {
    return this.#outage.during('redis', (): ListResult => {
      const check = this.#check(offered, nowMs);
      if (check.status === 'invalid') return check;
      const sessions = this.#openSessionsOf(check.session.userId, nowMs).map(({ session }) => session);
      return { ...check, sessions: sessions.sort(newestFirst) };
    });
  }

  renew(
    credential: Credential,
    newTokenHash: TokenHash,
    { id, userId }: Pick<Session, 'id'> & UserOfSession,
    operation: Operation,
    isCopy = false,
  ): Promise<RenewResult> {
    return this.#once(operation, (done): RenewResult => {
      this.#setCutoff(userId, operation.nowMs);
      const all = this.#listed(userId);
      const own =
        this.#findOpen(credential.tokenHash, credential.kind, operation.nowMs) ??
        this.#openSessionsOf(userId, operation.nowMs).find(({ session }) => session.id === id) ??
        null;
      const logouts: RecordedLogout[] = [];
      if (own === null || (credential.kind !== 'either' && own.session.kind !== credential.kind)) {
        if (isCopy) return done({ ...this.#invalid(credential, operation.nowMs), logouts });
        this.#endAllBut(null, all, 'password_changed', operation, logouts);
        this.passwordChanges.delete(credential.tokenHash);
        return done({ ...this.#invalid(credential, operation.nowMs), logouts });
      }
      if (this.#isTaken(newTokenHash)) return { status: 'superseded' };
      this.#endAllBut(own.tokenHash, all, 'password_changed', operation, logouts);
      this.passwordChanges.delete(credential.tokenHash);
      this.#remove(own, 'renewed', operation);
      this.#write(newTokenHash, own.session);
      this.noteEnd(newTokenHash, own.session);
      return done({ status: 'renewed', session: own.session, logouts });
    });
  }

  endOthers(
    { userId }: UserOfSession,
    keep: TokenHash,
    operation: Operation,
    keepFromMs = Number.POSITIVE_INFINITY,
  ): Promise<readonly RecordedLogout[]> {
    return this.#once(operation, (done) => {
      if (Number.isFinite(keepFromMs) && !this.passwordChanges.has(keep)) return done([]);
      this.#setCutoff(userId, operation.nowMs);
      const logouts: RecordedLogout[] = [];
      const all = this.#listed(userId);
      const old = all.filter(({ session }) => session.createdAtMs < keepFromMs);
      this.#endAllBut(keep, old, 'password_changed', operation, logouts);
      this.passwordChanges.delete(keep);
      return done(logouts);
    });
  }

  endAgain(ended: readonly LogoutActivity[], nowMs: number): Promise<readonly SessionId[]> {
    return this.#outage.during('redis', () =>
      ended.flatMap(({ userId, sessionId, reason }) => {
        const tokenHash = this.#index.get(userId)?.get(sessionId);
        const open = tokenHash === undefined ? null : this.#findOpen(tokenHash, 'either', nowMs);
        if (open === null) return [];
        this.#remove(open, reason, { nowMs, client: NO_CLIENT });
        this.#index.get(userId)?.delete(sessionId);
        return [sessionId];
      }),
    );
  }

  /** Notes in which minute the session will end. */
  noteEnd(tokenHash: TokenHash, session: Session): void {
    const minute = Math.max(minuteOf(endsAtMs(session)), this.oldestMinute);
    this.minutes.set(minute, (this.minutes.get(minute) ?? new Set<TokenHash>()).add(tokenHash));
  }

  /** What is stored under this token and hasn't been ended, expired or not. */
  stored(tokenHash: TokenHash): Session | null {
    return this.#find(tokenHash, 'either')?.session ?? null;
  }

  /** The end of a session that has expired, with its event. */
  endExpired(tokenHash: TokenHash): RecordedLogout[] {
    const logouts: RecordedLogout[] = [];
    const found = this.#find(tokenHash, 'either');
    if (found !== null) logouts.push(this.#expire(found));
    return logouts;
  }

  isOpen(tokenHash: TokenHash, nowMs: number): boolean {
    return this.#findOpen(tokenHash, 'either', nowMs) !== null;
  }

  /** A later cutoff stays. */
  #setCutoff(userId: UserId, atMs: number): void {
    this.#cutoffsMs.set(userId, Math.max(atMs, this.#cutoffsMs.get(userId) ?? 0));
  }

  /** One operation. A retry gets the first result again, if `done` was called with one. */
  #once<T>(operation: Operation, work: (done: (result: T) => T) => T): Promise<T> {
    return this.#outage.during('redis', () => {
      refuseIllFormed(operation);
      const nowMs = this.#clock.nowMs();
      const receipt = this.#receipts.get(operation.id);
      if (receipt !== undefined && nowMs < receipt.goneAtMs) return receipt.result as T;
      return work((result) => {
        const logouts = Array.isArray(result) ? result : (result as { logouts: readonly unknown[] }).logouts;
        // Where nothing was ended, a retry would find the same.
        if (logouts.length === 0 && !isRenewal(result)) return result;
        this.#receipts.set(operation.id, { result, goneAtMs: nowMs + RECEIPT_SECONDS * 1000 });
        return result;
      });
    });
  }

  #check({ kind, tokenHashes }: OfferedTokens, nowMs: number): SessionCheck {
    return chooseSession(tokenHashes.map((tokenHash) => this.#checkOne({ tokenHash, kind }, nowMs)));
  }

  #checkOne({ tokenHash, kind }: Credential, nowMs: number): SessionCheck {
    const ended = this.#alive(this.#tombstones, tokenHash);
    if (ended !== null) {
      if (ended.tombstone.reason === 'abandoned') return { status: 'invalid', reason: 'unknown' };
      return isExpiry(ended.tombstone.reason)
        ? { status: 'invalid', reason: 'expired' }
        : { status: 'invalid', reason: 'ended', tombstone: ended.tombstone };
    }
    const stored = this.#alive(this.#sessions, tokenHash);
    if (stored === null) return { status: 'invalid', reason: 'unknown' };
    const { session } = stored;
    if (kind !== 'either' && session.kind !== kind) return { status: 'invalid', reason: 'unknown' };
    if (isExpired(session, nowMs)) return { status: 'invalid', reason: 'expired' };
    return { status: 'valid', session, tokenHash };
  }

  #invalid(credential: Credential, nowMs: number): InvalidCheck {
    const check = this.#checkOne(credential, nowMs);
    return check.status === 'invalid' ? check : { status: 'invalid', reason: 'unknown' };
  }

  #alive<T>(kept: Map<TokenHash, Kept<T>>, tokenHash: TokenHash): Kept<T> | null {
    const value = kept.get(tokenHash);
    if (value === undefined) return null;
    if (this.#clock.nowMs() < value.goneAtMs) return value;
    kept.delete(tokenHash);
    return null;
  }

  /** Whether this user, or an operator, ended a session under this token on purpose. */
  #wasSignedOut(tokenHash: TokenHash, userId: UserId): boolean {
    const tombstone = this.#alive(this.#tombstones, tokenHash)?.tombstone;
    return (
      tombstone?.userId === userId &&
      !['replaced', 'evicted', 'renewed', 'abandoned'].includes(tombstone.reason) &&
      !isExpiry(tombstone.reason)
    );
  }

  /** Whether anything was ever begun or abandoned under this token. */
  #isTaken(tokenHash: TokenHash): boolean {
    return (
      this.#alive(this.#sessions, tokenHash) !== null || this.#alive(this.#tombstones, tokenHash) !== null
    );
  }

  #find(tokenHash: TokenHash, kind: Credential['kind']): Open | null {
    if (this.#alive(this.#tombstones, tokenHash) !== null) return null;
    const session = this.#alive(this.#sessions, tokenHash)?.session;
    if (session === undefined || (kind !== 'either' && session.kind !== kind)) return null;
    return { status: 'valid', session, tokenHash };
  }

  #findOpen(tokenHash: TokenHash, kind: Credential['kind'], nowMs: number): Open | null {
    const check = this.#checkOne({ tokenHash, kind }, nowMs);
    return check.status === 'valid' ? check : null;
  }

  /** A user's sessions, expired ones too. Drops what is no longer there from the index. */
  #listed(userId: UserId): Open[] {
    const index = this.#index.get(userId) ?? new Map<SessionId, TokenHash>();
    return [...index].flatMap(([sessionId, tokenHash]) => {
      const found = this.#find(tokenHash, 'either');
      if (found?.session.id === sessionId) return [found];
      index.delete(sessionId);
      return [];
    });
  }

  #openSessionsOf(userId: UserId, nowMs: number): Open[] {
    return this.#listed(userId).filter(({ session }) => !isExpired(session, nowMs));
  }

  #write(tokenHash: TokenHash, session: Session): void {
    const goneAtMs = endsAtMs(session) + EXPIRED_KEPT_SECONDS * 1000;
    this.#sessions.set(tokenHash, { session: structuredClone(session), goneAtMs });
    const index = this.#index.get(session.userId) ?? new Map<SessionId, TokenHash>();
    this.#index.set(session.userId, index.set(session.id, tokenHash));
  }

  #remove(
    { tokenHash, session }: Open,
    reason: LogoutReason | 'renewed',
    operation: Pick<Operation, 'nowMs' | 'client'>,
    goneAtMs = session.expiresAtMs,
  ): void {
    this.#sessions.delete(tokenHash);
    this.#tombstones.set(tokenHash, {
      goneAtMs,
      tombstone: {
        sessionId: session.id,
        userId: session.userId,
        reason,
        endedAtMs: operation.nowMs,
        ipAddress: operation.client.ipAddress,
      },
    });
  }

  #endAllBut(
    keep: TokenHash | null,
    all: readonly Open[],
    reason: LogoutReason,
    operation: Operation,
    logouts: RecordedLogout[],
  ): void {
    for (const open of all) if (open.tokenHash !== keep) this.#end(open, reason, operation, logouts);
  }

  #end(found: Open, reason: LogoutReason, operation: Operation, logouts: RecordedLogout[]): void {
    if (isExpired(found.session, operation.nowMs)) this.#expire(found);
    else logouts.push(this.#endBy(found, reason, operation));
  }

  #expire(found: Open): RecordedLogout {
    const { session } = found;
    const nowMs = endsAtMs(session);
    const reason = nowMs < session.expiresAtMs ? 'expired_idle' : 'expired_absolute';
    const by = { nowMs, client: session.client };
    return this.#endBy(found, reason, by, nowMs + EXPIRED_KEPT_SECONDS * 1000);
  }

  #endBy(
    found: Open,
    reason: LogoutReason,
    operation: Pick<Operation, 'nowMs' | 'client'>,
    goneAtMs?: number,
  ): RecordedLogout {
    const { session } = found;
    this.#remove(found, reason, operation, goneAtMs);
    this.#index.get(session.userId)?.delete(session.id);
    const activity: LogoutActivity = {
      type: 'logout',
      id: eventId(operation.nowMs, session.id),
      userId: session.userId,
      username: session.username,
      sessionId: session.id,
      reason,
      client: operation.client,
      loggedOutAtMs: operation.nowMs,
    };
    return { entryId: this.#outbox.put(activity).entryId, activity };
  }
}

/** The id that the scripts give to the event of a session that ended at that time. */
export function eventId(nowMs: number, sessionId: SessionId): Uuid {
  const time = nowMs.toString(16).padStart(12, '0');
  const bits = createHash('sha1').update(sessionId).digest('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${bits.slice(0, 3)}-8${bits.slice(3, 6)}-${bits.slice(6, 18)}` as Uuid;
}

const oldestFirst = (a: Session, b: Session): number => newestFirst(b, a);

/** What renewed or failed to renew a session is kept, even if nothing was ended. */
const isRenewal = (result: unknown): boolean =>
  ['renewed', 'invalid'].includes((result as { readonly status?: string }).status ?? '');
