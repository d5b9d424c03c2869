import { wasClosedIdle, type SoakWorker } from './http.ts';
import type { Ledger } from './ledger.ts';

/** How many runs begin at a tick: none (it is missed, or away for longer), one, or two at once. Then from the beginning. */
const RUNS_AT_TICK = [1, 0, 2, 1, 0, 0, 0, 2] as const;

interface Tick {
  readonly atMs: number;
  readonly runs: number;
}

/** The cron as it must be reckoned with: it misses runs, begins two at once, and is away for a while. */
export class StutteringCron {
  isSteady = false;
  readonly #worker: SoakWorker;
  readonly #ledger: Ledger;
  readonly #intervalMs: number;
  readonly #ticks: Tick[] = [];
  readonly #running = new Set<Promise<void>>();
  #stopped: (() => void) | null = null;
  readonly #loop: Promise<void>;

  constructor(worker: SoakWorker, ledger: Ledger, intervalMs: number) {
    this.#worker = worker;
    this.#ledger = ledger;
    this.#intervalMs = intervalMs;
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    let isOver = false;
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = () => {
        isOver = true;
        resolve();
      };
    });
    for (let number = 0; ; number += 1) {
      await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, this.#intervalMs))]);
      if (isOver) return;
      const runs = this.isSteady ? 1 : (RUNS_AT_TICK[number % RUNS_AT_TICK.length] ?? 1);
      this.#ticks.push({ atMs: Date.now(), runs });
      this.#ledger.count(['cron: missed runs', 'cron: runs', 'cron: two runs at once'][runs] ?? '');
      for (let i = 0; i < runs; i += 1) this.#begin();
    }
  }

  #begin(): void {
    const startedAtMs = performance.now();
    const run = this.#worker
      .scheduled()
      .catch((error: unknown) => {
        if (wasClosedIdle(error)) this.#ledger.count('cron: runs that weren’t begun');
        else this.#ledger.violation(`the cron threw ${String(error)}`);
      })
      .finally(() => {
        this.#ledger.responseTime('a run of the cron', performance.now() - startedAtMs);
        this.#running.delete(run);
      });
    this.#running.add(run);
  }

  /** From when on the row of an end that happened then is late: from the end or, if the cron was away, from its return. */
  dueFromMs(endedAtMs: number): number {
    const next = this.#ticks.findIndex(({ atMs }) => atMs >= endedAtMs);
    if (next === -1 || this.#ticks[next]?.runs !== 0) return endedAtMs;
    return this.#ticks.slice(next).find(({ runs }) => runs > 0)?.atMs ?? endedAtMs;
  }

  /** Resolves when the last run is over. */
  async stop(): Promise<void> {
    this.#stopped?.();
    await this.#loop;
    await Promise.all(this.#running);
  }
}
