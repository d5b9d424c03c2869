import { markdownTable } from 'markdown-table';
import type { Bundle } from './bundles.ts';
import type { SessionMemory } from './memory.ts';
import type { CrowdedCost } from './million-sessions.ts';
import { formatNumber } from './format-number.ts';
import { cpuRatio, medianOf, type Result } from './results.ts';
import { FETCH_BASELINE, HONO_BASELINE } from './scenarios.ts';
import type { StartUp } from './start-up.ts';
import type { Target } from './targets.ts';

export interface Report {
  results: Result[];
  bundles: Bundle[];
  startUps: StartUp[];
  memory: SessionMemory[];
  crowdedCosts: CrowdedCost[];
  targets: Target[];
}

/** The report as Markdown tables. */
export function reportSections({ results, bundles, startUps, crowdedCosts, targets }: Report): string[] {
  const sections = [resultTable(results), bundleTable(bundles, startUps)];
  if (crowdedCosts.length > 0) sections.push(crowdTable(crowdedCosts));
  return [...sections, targetTable(targets)];
}

function resultTable(results: readonly Result[]): string {
  const baselines = [HONO_BASELINE, FETCH_BASELINE].map((baseline) =>
    results.find(({ measured }) => measured === baseline),
  );
  const rows = results.map((result) => {
    const { scenario, candidate, variant } = result.measured;
    const { before, all } = result.cost;
    const cpuMs = medianOf(result, 'cpuMs');
    return [
      scenario,
      variant === '' ? candidate : `${candidate}, ${variant}`,
      formatNumber(cpuMs, cpuMs < 10 ? 3 : 1),
      ...baselines.map((baseline) =>
        baseline === undefined ? '' : `${formatNumber(cpuRatio(result, baseline), 2)}x`,
      ),
      formatNumber(medianOf(result, 'requestsPerSecond')),
      formatNumber(medianOf(result, 'p50Ms'), 2),
      formatNumber(medianOf(result, 'p99Ms'), 2),
      String(before.roundTrips),
      beforeAndAfter(before.redisCommands, all.redisCommands),
      beforeAndAfter(before.sqlStatements, all.sqlStatements),
    ];
  });
  const costs = ['CPU ms', 'by Hono', 'by fetch', 'req/s', 'p50 ms', 'p99 ms', 'round trips', 'Redis', 'SQL'];
  return markdownTable([['scenario', 'candidate', ...costs], ...rows]);
}

/** `1 + 2`: one before the response, two in the background. */
const beforeAndAfter = (before: number, all: number): string =>
  all === before ? String(before) : `${before} + ${all - before}`;

function bundleTable(bundles: readonly Bundle[], startUps: readonly StartUp[]): string {
  const rows = bundles.map(({ name, bytes, gzipBytes }) => {
    const startUp = startUps.find(({ candidate }) => candidate === name);
    const times =
      startUp === undefined ? [] : [startUp.cpuMs, startUp.elapsedMs].map((ms) => formatNumber(ms));
    return [name, formatNumber(bytes / 1024, 1), formatNumber(gzipBytes / 1024, 1), ...times];
  });
  return markdownTable([['bundle', 'KiB', 'KiB gzip', 'start-up CPU ms', 'start-up ms'], ...rows]);
}

function crowdTable(costs: readonly CrowdedCost[]): string {
  const rows = costs.map(({ sessions, operation, commands, microseconds }) => [
    formatNumber(sessions),
    operation,
    formatNumber(commands),
    formatNumber(microseconds),
  ]);
  return markdownTable([['sessions in Redis', 'operation', 'commands in Redis', 'µs in Redis'], ...rows]);
}

function targetTable(targets: readonly Target[]): string {
  const rows = targets.map(({ what, limit, measured, isMet }) => {
    const verdict = isMet ? 'met' : 'missed';
    return [what, limit, measured, verdict];
  });
  return markdownTable([['target', 'limit', 'measured', ''], ...rows]);
}
