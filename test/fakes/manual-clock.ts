import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(nowMs: number = Date.UTC(2026, 10, 23, 12, 0, 0)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** Sleeping moves the time; no test waits. */
  async sleep(ms: number): Promise<void> {
    this.advance(ms);
  }
}
