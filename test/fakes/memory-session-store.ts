import type { LogoutActivity, LogoutReason } from '../../src/activity/events.ts';
import { isExpired, endsAtMs } from '../../src/session/rules.ts';
import {
  ABANDONED_TOKEN_SECONDS,
  OPERATION_RECEIPT_SECONDS,
  StartRefusedError,
  type Ending,
  type Holder,
  type ListResult,
  type RecordedLogout,
  type RenewResult,
  type RevokeResult,
  type RevokeScope,
  type SessionStore,
  type StartRequest,
  type Started,
} from '../../src/session/session-store.ts';
import type { Session, SessionCheck, Tombstone } from '../../src/session/session.ts';
import type { SessionId, TokenHash, UserId } from '../../src/session/token.ts';
import { uuidAt } from '../../src/uuid.ts';
import type { ManualClock } from './manual-clock.ts';
import type { MemoryOutbox } from './memory-outbox.ts';
import { Outage } from './outage.ts';
import { refuseIllFormed } from './refusals.ts';

/** What lies under a token's hash until its time is over: an open session or what is left of one. */
type Stored = { readonly goneAtMs: number } & (
  { readonly session: Session } | { readonly tombstone: Tombstone }
);

interface Open {
  readonly tokenHash: TokenHash;
  readonly session: Session;
}

/** Sessions in memory, with the time of a clock that is moved by hand. Each method is atomic. */
export class MemorySessionStore implements SessionStore {
  readonly #stored = new Map<TokenHash, Stored>();
  readonly #index = new Map<UserId, Map<SessionId, TokenHash>>();
  readonly #receipts = new Map<string, { readonly answer: unknown; readonly goneAtMs: number }>();
  readonly #clock: ManualClock;
  readonly #outbox: MemoryOutbox;
  readonly #outage: Outage;

  constructor(clock: ManualClock, outbox: MemoryOutbox, outage: Outage = new Outage()) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#outage = outage;
  }

  check(holder: Holder, nowMs: number): Promise<SessionCheck> {
    return this.#outage.during('redis', () => this.#judge(holder, nowMs));
  }

  /** By user; kept for ever, as no test lasts longer than a sign-in. */
  readonly #passwordChangedAtMs = new Map<UserId, number>();

  /** A later mark stays. */
  #markPasswordChange(userId: UserId, atMs: number): void {
    this.#passwordChangedAtMs.set(userId, Math.max(atMs, this.#passwordChangedAtMs.get(userId) ?? 0));
  }

  refresh(tokenHash: TokenHash, session: Session): Promise<boolean> {
    return this.#outage.during('redis', () => {
      const stored = this.#find(tokenHash);
      if (stored === null || !('session' in stored) || stored.session.id !== session.id) return false;
      if (stored.session.lastSeenAtMs >= session.lastSeenAtMs) return false;
      this.#write(tokenHash, session);
      return true;
    });
  }

  start(request: StartRequest): Promise<Started> {
    const { tokenHash, session, login, replaces, maxSessionsPerUser, checkedFromMs, ending } = request;
    return this.#outage.during('redis', () => {
      refuseIllFormed([session, login, ending]);
      const existing = this.#find(tokenHash);
      if (existing !== null) {
        if ('session' in existing && existing.session.id === session.id)
          return { loginEntryId: null, logouts: [] };
        throw new StartRefusedError();
      }
      if ((this.#passwordChangedAtMs.get(session.userId) ?? 0) > checkedFromMs) throw new StartRefusedError();
      const logouts: RecordedLogout[] = [];
      for (const replaced of replaces) {
        const old = this.#findOpen(replaced, 'cookie', ending.nowMs);
        if (old !== null) this.#finish(old, 'replaced', ending, logouts);
      }
      const others = this.#openSessionsOf(session.userId, ending.nowMs).sort((a, b) =>
        oldestFirst(a.session, b.session),
      );
      const tooMany = maxSessionsPerUser === 0 ? 0 : Math.max(0, others.length - maxSessionsPerUser + 1);
      for (const oldest of others.slice(0, tooMany)) this.#finish(oldest, 'evicted', ending, logouts);
      this.#write(tokenHash, session);
      return { loginEntryId: this.#outbox.put(login).entryId, logouts };
    });
  }

  abandon(tokenHash: TokenHash, session: Session, nowMs: number): Promise<void> {
    return this.#outage.during('redis', () => {
      const stored = this.#find(tokenHash);
      if (stored !== null && !('session' in stored && stored.session.id === session.id)) return;
      if (stored !== null) this.#index.get(session.userId)?.delete(session.id);
      this.#stored.set(tokenHash, {
        goneAtMs: this.#clock.nowMs() + ABANDONED_TOKEN_SECONDS * 1000,
        tombstone: {
          sessionId: session.id,
          userId: session.userId,
          reason: 'abandoned',
          endedAtMs: nowMs,
          ipAddress: null,
        },
      });
    });
  }

  end(
    tokenHashes: readonly TokenHash[],
    kind: Holder['kind'],
    reason: LogoutReason,
    ending: Ending,
  ): Promise<readonly RecordedLogout[]> {
    return this.#once(ending, (done) => {
      const logouts: RecordedLogout[] = [];
      for (const tokenHash of tokenHashes) {
        const open = this.#findOpen(tokenHash, kind, ending.nowMs);
        if (open !== null) this.#finish(open, reason, ending, logouts);
      }
      return done(logouts);
    });
  }

  revoke(holder: Holder, scope: RevokeScope, ending: Ending): Promise<RevokeResult> {
    return this.#once(ending, (done): RevokeResult => {
      const me = this.#findOpen(holder.tokenHash, holder.kind, ending.nowMs);
      if (me === null && 'because' in scope) {
        this.#markPasswordChange(scope.userId, ending.nowMs);
        for (const other of this.#openSessionsOf(scope.userId, ending.nowMs))
          this.#finish(other, scope.because, ending, []);
        return done(this.#judgeInvalid(holder, ending.nowMs));
      }
      if (me === null) return this.#judgeInvalid(holder, ending.nowMs);
      const logouts: RecordedLogout[] = [];
      const mine = this.#openSessionsOf(me.session.userId, ending.nowMs);
      if ('only' in scope) {
        const wanted = mine.find(({ session }) => session.id === scope.only);
        if (wanted === undefined) return { status: 'not_found' };
        this.#finish(wanted, scope.only === me.session.id ? 'logout' : 'revoked', ending, logouts);
      } else {
        if ('because' in scope) this.#markPasswordChange(me.session.userId, ending.nowMs);
        const reason =
          'because' in scope ? scope.because : scope.all === 'others' ? 'logout_others' : 'logout_all';
        const others = mine.filter(({ tokenHash }) => tokenHash !== holder.tokenHash);
        for (const each of scope.all === 'others' ? others : [...others, me])
          this.#finish(each, reason, ending, logouts);
      }
      return done({ status: 'revoked', logouts });
    });
  }

  list(holder: Holder, nowMs: number): Promise<ListResult> {
    return this.#outage.during('redis', (): ListResult => {
      const check = this.#judge(holder, nowMs);
      if (check.status === 'invalid') return check;
      const sessions = this.#openSessionsOf(check.session.userId, nowMs).map(({ session }) => session);
      return { ...check, sessions: sessions.sort((a, b) => oldestFirst(b, a)) };
    });
  }

  renew(holder: Holder, newTokenHash: TokenHash, ending: Ending, userId: UserId): Promise<RenewResult> {
    return this.#once(ending, (done): RenewResult => {
      const me = this.#findOpen(holder.tokenHash, holder.kind, ending.nowMs);
      this.#markPasswordChange(me?.session.userId ?? userId, ending.nowMs);
      if (me === null) {
        const unheard: RecordedLogout[] = [];
        for (const other of this.#openSessionsOf(userId, ending.nowMs))
          this.#finish(other, 'password_changed', ending, unheard);
        return done(this.#judgeInvalid(holder, ending.nowMs));
      }
      if (this.#find(newTokenHash) !== null) throw new StartRefusedError();
      const logouts: RecordedLogout[] = [];
      for (const other of this.#openSessionsOf(me.session.userId, ending.nowMs))
        if (other.tokenHash !== holder.tokenHash) this.#finish(other, 'password_changed', ending, logouts);
      this.#bury(me, 'renewed', ending);
      this.#write(newTokenHash, me.session);
      return done({ status: 'renewed', session: me.session, logouts });
    });
  }

  /** One operation, which answers a repetition with its first answer, if `done` was called with one. */
  #once<T>(ending: Ending, work: (done: (answer: T) => T) => T): Promise<T> {
    return this.#outage.during('redis', () => {
      refuseIllFormed(ending);
      const nowMs = this.#clock.nowMs();
      const receipt = this.#receipts.get(ending.operationId);
      if (receipt !== undefined && nowMs < receipt.goneAtMs) return receipt.answer as T;
      return work((answer) => {
        this.#receipts.set(ending.operationId, {
          answer,
          goneAtMs: nowMs + OPERATION_RECEIPT_SECONDS * 1000,
        });
        return answer;
      });
    });
  }

  #judge(holder: Holder, nowMs: number): SessionCheck {
    const stored = this.#find(holder.tokenHash);
    if (stored === null) return { status: 'invalid', reason: 'unknown' };
    if ('tombstone' in stored) {
      return stored.tombstone.reason === 'abandoned'
        ? { status: 'invalid', reason: 'unknown' }
        : { status: 'invalid', reason: 'ended', tombstone: stored.tombstone };
    }
    if (holder.kind !== 'either' && stored.session.kind !== holder.kind)
      return { status: 'invalid', reason: 'unknown' };
    if (isExpired(stored.session, nowMs)) return { status: 'invalid', reason: 'expired' };
    return { status: 'valid', session: stored.session };
  }

  #judgeInvalid(holder: Holder, nowMs: number): Extract<SessionCheck, { status: 'invalid' }> {
    const check = this.#judge(holder, nowMs);
    return check.status === 'invalid' ? check : { status: 'invalid', reason: 'unknown' };
  }

  #find(tokenHash: TokenHash): Stored | null {
    const stored = this.#stored.get(tokenHash);
    if (stored === undefined) return null;
    if (this.#clock.nowMs() < stored.goneAtMs) return stored;
    this.#stored.delete(tokenHash);
    return null;
  }

  #findOpen(tokenHash: TokenHash, kind: Holder['kind'], nowMs: number): Open | null {
    const stored = this.#find(tokenHash);
    if (stored === null || !('session' in stored) || isExpired(stored.session, nowMs)) return null;
    if (kind !== 'either' && stored.session.kind !== kind) return null;
    return { tokenHash, session: stored.session };
  }

  /** Drops what is no longer open from the index as it goes. */
  #openSessionsOf(userId: UserId, nowMs: number): Open[] {
    const index = this.#index.get(userId) ?? new Map<SessionId, TokenHash>();
    return [...index].flatMap(([sessionId, tokenHash]) => {
      const open = this.#findOpen(tokenHash, 'either', nowMs);
      if (open?.session.id === sessionId) return [open];
      index.delete(sessionId);
      return [];
    });
  }

  #write(tokenHash: TokenHash, session: Session): void {
    this.#stored.set(tokenHash, { session: structuredClone(session), goneAtMs: endsAtMs(session) });
    const index = this.#index.get(session.userId) ?? new Map<SessionId, TokenHash>();
    this.#index.set(session.userId, index.set(session.id, tokenHash));
  }

  #bury({ tokenHash, session }: Open, reason: LogoutReason | 'renewed', ending: Ending): void {
    this.#stored.set(tokenHash, {
      goneAtMs: session.expiresAtMs,
      tombstone: {
        sessionId: session.id,
        userId: session.userId,
        reason,
        endedAtMs: ending.nowMs,
        ipAddress: ending.client.ipAddress,
      },
    });
  }

  #finish(open: Open, reason: LogoutReason, ending: Ending, logouts: RecordedLogout[]): void {
    const { session } = open;
    this.#bury(open, reason, ending);
    this.#index.get(session.userId)?.delete(session.id);
    const activity: LogoutActivity = {
      type: 'logout',
      id: uuidAt(ending.eventIds, logouts.length),
      userId: session.userId,
      username: session.username,
      sessionId: session.id,
      reason,
      client: ending.client,
      loggedOutAtMs: ending.nowMs,
    };
    logouts.push({ entryId: this.#outbox.put(activity).entryId, activity });
  }
}

const oldestFirst = (a: Session, b: Session): number =>
  a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
