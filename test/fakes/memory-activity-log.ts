import {
  EventRefusedError,
  type ActivityLine,
  type ActivityLog,
  type LogoutCursor,
} from '../../src/activity/activity-log.ts';
import {
  isExpiry,
  type Activity,
  type LoginActivity,
  type LogoutActivity,
} from '../../src/activity/events.ts';
import type { UserId } from '../../src/lib/ids.ts';
import { toSqlTime } from '../../src/store/sql-time.ts';
import type { MemoryUserStore } from './memory-user-store.ts';
import { Outage } from './outage.ts';

/** The activity tables in memory. They accept and refuse what the columns of schema.sql do. */
export class MemoryActivityLog implements ActivityLog {
  readonly logouts = new Map<string, LogoutActivity>();
  readonly logins = new Map<string, LoginActivity>();
  /** Events that the operator's own constraint forbids. */
  forbids: (event: Activity) => boolean = () => false;
  /** Events that are refused without a cause. */
  refuses: (event: Activity) => boolean = () => false;
  readonly #users: MemoryUserStore;
  readonly #outage: Outage;

  constructor(users: MemoryUserStore, outage: Outage = new Outage()) {
    this.#users = users;
    this.#outage = outage;
  }

  async writeLogouts(events: readonly LogoutActivity[]): Promise<void> {
    if (events.length === 0) return;
    await this.#outage.during('database', () => {
      for (const event of events) this.#refuseInvalid(event);
      const ended = new Set([...this.logouts.values()].map(({ sessionId }) => sessionId));
      for (const event of events) {
        if (this.logouts.has(event.id) || ended.has(event.sessionId)) continue;
        this.logouts.set(event.id, event);
        ended.add(event.sessionId);
      }
    });
  }

  async writeLogins(events: readonly LoginActivity[]): Promise<void> {
    if (events.length === 0) return;
    await this.#outage.during('database', () => {
      for (const event of events) this.#refuseInvalid(event);
      for (const event of events) {
        if (!this.logins.has(event.id)) this.logins.set(event.id, event);
        if (event.outcome === 'success' && event.userId !== null)
          this.#users.moveLastLogin(event.userId, event.occurredAtMs);
      }
    });
  }

  deleteBefore(beforeMs: number, limit: number): Promise<number> {
    return this.#outage.during('database', () => {
      const oldLogouts = oldest([...this.logouts.values()], (e) => e.loggedOutAtMs, beforeMs, limit);
      const oldLogins = oldest([...this.logins.values()], (e) => e.occurredAtMs, beforeMs, limit);
      for (const event of oldLogouts) this.logouts.delete(event.id);
      for (const event of oldLogins) this.logins.delete(event.id);
      return oldLogouts.length + oldLogins.length;
    });
  }

  listLogouts(userId: UserId, limit: number, after: LogoutCursor | null): Promise<LogoutActivity[]> {
    return this.#outage.during('database', () =>
      [...this.logouts.values()]
        .filter((event) => event.userId === userId && (after === null || isAfter(event, after)))
        .sort((a, b) => (isAfter(a, b) ? 1 : -1))
        .slice(0, limit),
    );
  }

  listEndedSince(sinceMs: number, limit: number, after: LogoutCursor | null): Promise<LogoutActivity[]> {
    return this.#outage.during('database', () =>
      [...this.logouts.values()]
        .filter((event) => event.loggedOutAtMs >= sinceMs && !isExpiry(event.reason))
        .sort((a, b) => (isAfter(a, b) ? -1 : 1))
        .filter((event) => after === null || (isAfter(after, event) && event.id !== after.id))
        .slice(0, limit),
    );
  }

  listRecent(userId: UserId, limit: number): Promise<ActivityLine[]> {
    return this.#outage.during('database', () =>
      [...this.logins.values(), ...this.logouts.values()]
        .filter((event) => event.userId === userId)
        .map(lineOf)
        .sort((a, b) => b.atMs - a.atMs)
        .slice(0, limit),
    );
  }

  ping(): Promise<void> {
    return this.#outage.during('database', () => undefined);
  }

  #refuseInvalid(event: Activity): void {
    const { id, userId, username, sessionId, client } = event;
    const word = event.type === 'logout' ? event.reason : event.outcome;
    const fits =
      isAscii(id, 36) &&
      (userId === null ? event.type === 'login' : isUnsigned64(userId)) &&
      [...username].length <= 150 &&
      isAscii(sessionId, 36) &&
      isAscii(client.ipAddress, 45) &&
      [...(client.userAgent ?? '')].length <= 512 &&
      isAscii(client.country, 2) &&
      isAscii(word, 32) &&
      /^\d{4}-/.test(toSqlTime(event.type === 'logout' ? event.loggedOutAtMs : event.occurredAtMs));
    if (!fits) throw new EventRefusedError('a column of the table', true);
    if (this.forbids(event)) throw new EventRefusedError('a constraint of the table', true);
    if (this.refuses(event)) throw new EventRefusedError('no known cause', false);
  }
}

const isAscii = (text: string | null, maxCharacters: number): boolean =>
  text === null || (text.length <= maxCharacters && /^[\0-\x7f]*$/.test(text));

const isUnsigned64 = (text: string): boolean => /^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n;

function oldest<T>(events: T[], atMs: (event: T) => number, beforeMs: number, limit: number): T[] {
  return events
    .filter((event) => atMs(event) < beforeMs)
    .sort((a, b) => atMs(a) - atMs(b))
    .slice(0, limit);
}

/** Newest first, and the higher id first where the times are the same. */
const isAfter = (event: LogoutCursor, other: LogoutCursor): boolean =>
  event.loggedOutAtMs < other.loggedOutAtMs ||
  (event.loggedOutAtMs === other.loggedOutAtMs && event.id < other.id);

const lineOf = (event: Activity): ActivityLine => ({
  what: event.type,
  atMs: event.type === 'logout' ? event.loggedOutAtMs : event.occurredAtMs,
  detail: event.type === 'logout' ? event.reason : event.outcome,
  ipAddress: event.client.ipAddress,
  country: event.client.country,
  userAgent: event.client.userAgent,
});
