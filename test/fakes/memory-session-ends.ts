import { isExpired, minuteOf } from '../../src/session/rules.ts';
import type { EndingSession, EndingSessions, SessionEnds } from '../../src/session/session-ends.ts';
import type { RecordedLogout } from '../../src/session/session-store.ts';
import type { MemorySessionStore } from './memory-session-store.ts';
import { Outage } from './outage.ts';

/** When the sessions of a store in memory end. */
export class MemorySessionEnds implements SessionEnds {
  readonly #sessions: MemorySessionStore;
  readonly #outage: Outage;

  constructor(sessions: MemorySessionStore, outage: Outage = new Outage()) {
    this.#sessions = sessions;
    this.#outage = outage;
  }

  findOldestMinute(nowMs: number, after: number | null = null): Promise<number | null> {
    return this.#outage.during('redis', () => {
      const current = minuteOf(nowMs);
      const [oldest = current, ...later] = [...this.#sessions.minutes.keys()]
        .filter((minute) => minute <= current)
        .sort((a, b) => a - b);
      this.#sessions.oldestMinute = Math.max(this.#sessions.oldestMinute, oldest);
      return (
        [oldest, ...later].find((minute) => minute > (after ?? -1) && this.#sessions.minutes.has(minute)) ??
        null
      );
    });
  }

  readMinute(minute: number, cursor: string | null, limit: number): Promise<EndingSessions> {
    return this.#outage.during('redis', () => {
      const hashes = [...(this.#sessions.minutes.get(minute) ?? [])].sort();
      const part = hashes.filter((hash) => cursor === null || hash > cursor).slice(0, limit);
      return {
        sessions: part.map((tokenHash) => ({
          tokenHash,
          userId: this.#sessions.stored(tokenHash)?.userId ?? null,
        })),
        cursor: part.at(-1) === hashes.at(-1) ? null : (part.at(-1) ?? null),
      };
    });
  }

  endExpired(
    minute: number,
    sessions: readonly EndingSession[],
    nowMs: number,
  ): Promise<readonly RecordedLogout[]> {
    return this.#outage.during('redis', () => {
      const set = this.#sessions.minutes.get(minute);
      const logouts = sessions.flatMap(({ tokenHash }) => {
        const session = this.#sessions.stored(tokenHash);
        const isOpen = session !== null && !isExpired(session, nowMs);
        if (isOpen && minuteOf(nowMs) <= minute) return [];
        set?.delete(tokenHash);
        if (isOpen) this.#sessions.noteEnd(tokenHash, session);
        return isOpen ? [] : this.#sessions.endExpired(tokenHash);
      });
      if (set?.size === 0) this.#sessions.minutes.delete(minute);
      return logouts;
    });
  }
}
