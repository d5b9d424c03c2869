import {
  ACCOUNT_LIMIT,
  ACCOUNT_NETWORK_LIMIT,
  ATTEMPT_SECONDS,
  NETWORK_LIMIT,
  type Attempt,
  type Reservation,
  type Throttle,
  type ThrottleLimit,
} from '../../src/auth/throttle.ts';
import type { ManualClock } from './manual-clock.ts';
import { Outage } from './outage.ts';

interface Counter {
  failures: number;
  readonly endsAtMs: number;
  /** Whether a refusal was already reported in this window. */
  isRefusalReported: boolean;
}

/** Failure counters in memory, with a clock that is moved by hand. */
export class MemoryThrottle implements Throttle {
  readonly #counters = new Map<string, Counter>();
  readonly #attempts = new Map<
    string,
    { readonly state: 'counted' | 'settled'; readonly goneAtMs: number }
  >();
  readonly #clock: ManualClock;
  readonly #outage: Outage;

  constructor(clock: ManualClock, outage: Outage = new Outage()) {
    this.#clock = clock;
    this.#outage = outage;
  }

  reserve(attempt: Attempt): Promise<Reservation> {
    return this.#outage.during('redis', (): Reservation => {
      if (this.#stateOf(attempt) !== null) return { status: 'allowed' };
      const full = this.#keysOf(attempt)
        .map(({ key, limit }) => ({ counter: this.#counterAt(key), limit }))
        .filter(({ counter, limit }) => counter !== null && counter.failures >= limit.failures)
        .flatMap(({ counter }) => counter ?? [])
        .sort((a, b) => b.endsAtMs - a.endsAtMs)[0];
      if (full !== undefined) {
        const firstInWindow = !full.isRefusalReported;
        full.isRefusalReported = true;
        const retryAfterSeconds = Math.max(1, Math.ceil((full.endsAtMs - this.#clock.nowMs()) / 1000));
        return { status: 'throttled', retryAfterSeconds, firstInWindow };
      }
      this.#remember(attempt, 'counted');
      for (const { key, limit } of this.#keysOf(attempt)) this.#count(key, limit);
      return { status: 'allowed' };
    });
  }

  succeed(attempt: Attempt): Promise<void> {
    return this.#settle(attempt, true);
  }

  release(attempt: Attempt): Promise<void> {
    return this.#settle(attempt, false);
  }

  #settle(attempt: Attempt, isSuccess: boolean): Promise<void> {
    return this.#outage.during('redis', () => {
      const wasCounted = this.#stateOf(attempt) === 'counted';
      this.#remember(attempt, 'settled');
      if (!wasCounted) return;
      const keys = this.#keysOf(attempt);
      for (const { key } of keys) {
        const counter = this.#counterAt(key);
        if (counter !== null && counter.failures > 0) counter.failures -= 1;
      }
      if (isSuccess) this.#counters.delete(keys[0].key);
    });
  }

  #count(key: string, limit: ThrottleLimit): void {
    const counter = this.#counterAt(key);
    if (counter !== null && counter.failures > 0) {
      counter.failures += 1;
      return;
    }
    const endsAtMs = this.#clock.nowMs() + limit.windowSeconds * 1000;
    this.#counters.set(key, { failures: 1, endsAtMs, isRefusalReported: false });
  }

  #counterAt(key: string): Counter | null {
    const counter = this.#counters.get(key);
    return counter !== undefined && this.#clock.nowMs() < counter.endsAtMs ? counter : null;
  }

  #stateOf({ attemptId }: Attempt): 'counted' | 'settled' | null {
    const attempt = this.#attempts.get(attemptId);
    return attempt !== undefined && this.#clock.nowMs() < attempt.goneAtMs ? attempt.state : null;
  }

  #remember({ attemptId }: Attempt, state: 'counted' | 'settled'): void {
    this.#attempts.set(attemptId, { state, goneAtMs: this.#clock.nowMs() + ATTEMPT_SECONDS * 1000 });
  }

  #keysOf({ username, network }: Attempt) {
    return [
      { key: JSON.stringify(['account-network', username, network]), limit: ACCOUNT_NETWORK_LIMIT },
      { key: JSON.stringify(['account', username]), limit: ACCOUNT_LIMIT },
      { key: JSON.stringify(['network', network]), limit: NETWORK_LIMIT },
    ] as const;
  }
}
