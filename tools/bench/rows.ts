import type { CandidateName } from './candidates.ts';
import { median, type Sample, type StoreCost } from './measure.ts';
import type { Cell, ScenarioName } from './scenarios.ts';

/** One row of the table: medians over the rounds, and the rounds themselves. */
export interface Row {
  scenario: ScenarioName;
  candidate: CandidateName;
  variant: string;
  concurrency: number;
  cost: StoreCost;
  samples: Sample[];
  median: Sample;
}

export function rowOf(cell: Cell, samples: Sample[], cost: StoreCost): Row {
  const { scenario, candidate, variant, concurrency } = cell;
  const middle = (field: keyof Sample): number => median(samples.map((sample) => sample[field]));
  return {
    ...{ scenario, candidate, variant, concurrency, cost, samples },
    median: {
      count: middle('count'),
      cpuMs: middle('cpuMs'),
      requestsPerSecond: middle('requestsPerSecond'),
      p50Ms: middle('p50Ms'),
      p99Ms: middle('p99Ms'),
      storeMs: middle('storeMs'),
    },
  };
}

export function findRow(
  rows: readonly Row[],
  scenario: ScenarioName,
  candidate: CandidateName,
  variant = '',
): Row | null {
  return (
    rows.find((row) => row.scenario === scenario && row.candidate === candidate && row.variant === variant) ??
    null
  );
}

/** One row's CPU by another's, as the table tells them. */
export const cpuRatio = (above: Row, below: Row): number => above.median.cpuMs / below.median.cpuMs;
