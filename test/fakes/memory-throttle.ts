import {
  ATTEMPT_SECONDS,
  countersOf,
  type Attempt,
  type Counter,
  type Reservation,
  type Throttle,
  type ThrottleLimit,
} from '../../src/auth/throttle.ts';
import type { ManualClock } from './manual-clock.ts';
import { Outage } from './outage.ts';

interface Failures {
  failures: number;
  readonly endsAtMs: number;
  /** Whether a refusal was already reported in this window. */
  isRefusalReported: boolean;
}

/** Failure counters in memory, with a clock that is moved by hand. */
export class MemoryThrottle implements Throttle {
  readonly #counters = new Map<string, Failures>();
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
      const full = this.#countersOf(attempt)
        .map(({ name, limit }) => ({ counter: this.#counterAt(name), limit }))
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
      for (const { name, limit } of this.#countersOf(attempt)) this.#count(name, limit);
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
      for (const { name, isClearedBySuccess } of this.#countersOf(attempt)) {
        const counter = this.#counterAt(name);
        if (counter !== null && counter.failures > 0) counter.failures -= 1;
        if (isSuccess && isClearedBySuccess) this.#counters.delete(name);
      }
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

  #counterAt(key: string): Failures | null {
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

  #countersOf(attempt: Attempt): readonly Counter[] {
    return countersOf(attempt, JSON.stringify(attempt.username));
  }
}
