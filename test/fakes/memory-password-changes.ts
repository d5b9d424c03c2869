import type { PasswordChange, PasswordChanges } from '../../src/auth/password-changes.ts';
import type { MemorySessionStore } from './memory-session-store.ts';
import { Outage } from './outage.ts';

/** Password changes in memory, which the sessions in memory settle. */
export class MemoryPasswordChanges implements PasswordChanges {
  readonly #sessions: MemorySessionStore;
  readonly #outage: Outage;

  constructor(sessions: MemorySessionStore, outage: Outage = new Outage()) {
    this.#sessions = sessions;
    this.#outage = outage;
  }

  begin(change: PasswordChange): Promise<PasswordChange | null> {
    return this.#outage.during('redis', () => {
      if (!this.#sessions.isOpen(change.tokenHash, change.startedAtMs)) return null;
      const begun = {
        ...change,
        salt: this.#sessions.passwordChanges.get(change.tokenHash)?.salt ?? change.salt,
      };
      this.#sessions.passwordChanges.set(change.tokenHash, begun);
      return begun;
    });
  }

  findStartedBefore(ms: number, limit: number): Promise<PasswordChange[]> {
    return this.#outage.during('redis', () =>
      [...this.#sessions.passwordChanges.values()]
        .filter(({ startedAtMs }) => startedAtMs < ms)
        .slice(0, limit),
    );
  }

  drop({ tokenHash, startedAtMs }: PasswordChange): Promise<void> {
    return this.#outage.during('redis', () => {
      if (this.#sessions.passwordChanges.get(tokenHash)?.startedAtMs === startedAtMs)
        this.#sessions.passwordChanges.delete(tokenHash);
    });
  }
}
