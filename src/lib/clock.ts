export interface Clock {
  /** Unix time in ms. On Workers it stands still while CPU runs: it measures round trips, not work. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
