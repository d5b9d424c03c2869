import { readFileSync } from 'node:fs';
import { median } from '../measure.ts';

const SAMPLE_MS = 1000;
/** How far the last quarter of a run may lie above the second one. */
const FLAT_GROWTH_MAX = 0.1;

/** Resident memory of a process over a run. */
export interface RssCurve {
  /** MiB after each second, from the first. */
  mib: number[];
  /** Medians of the second and of the last quarter of the run. */
  secondQuarterMib: number;
  lastQuarterMib: number;
  isFlat: boolean;
}

/** Looks at a process's memory each second, until it is told to stop. */
export class RssSampler {
  readonly #mib: number[] = [];
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number, onSample: () => void) {
    this.#pid = pid;
    this.#timer = setInterval(() => {
      this.#mib.push(rssMib(pid));
      onSample();
    }, SAMPLE_MS);
  }

  stop(): RssCurve {
    clearInterval(this.#timer);
    const mib = [...this.#mib, rssMib(this.#pid)];
    const quarter = Math.floor(mib.length / 4);
    const secondQuarterMib = median(mib.slice(quarter, 2 * quarter));
    const lastQuarterMib = median(mib.slice(-quarter));
    const isFlat = lastQuarterMib <= secondQuarterMib * (1 + FLAT_GROWTH_MAX);
    return { mib, secondQuarterMib, lastQuarterMib, isFlat };
  }
}

/** `VmRSS` of proc(5). */
function rssMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
