import type { Sample, StoreCost } from './measure.ts';
import type { Case } from './scenarios.ts';

/** What was measured of a case: the same number of rounds of each, all in one run. */
export interface Result {
  measured: Case;
  samples: Sample[];
  cost: StoreCost;
}

/** NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 0 ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

export const medianOf = (result: Result | undefined, field: keyof Sample): number =>
  median((result?.samples ?? []).map((sample) => sample[field]));

/** The CPU of one by that of another: the median of the rounds' own ratios, as both share a round's disturbances. */
export const cpuRatio = (above: Result | undefined, below: Result | undefined): number =>
  median((above?.samples ?? []).map(({ cpuMs }, round) => cpuMs / (below?.samples[round]?.cpuMs ?? NaN)));
