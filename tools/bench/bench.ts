import { program } from 'commander';
import { buildCandidates, CANDIDATE_NAMES, type CandidateName } from './candidates.ts';
import { positiveInteger, someOf } from './cli-options.ts';
import { measureRound, measureStoreCost, warmUp, type Bench } from './measure.ts';
import { measureMemory, type SessionMemory } from './memory.ts';
import { measureCrowdedCosts } from './million-sessions.ts';
import { publish } from './publish.ts';
import { reportSections, type Report } from './report.ts';
import type { Result } from './results.ts';
import { CASES, FETCH_BASELINE, HONO_BASELINE, SCENARIO_NAMES, type Case } from './scenarios.ts';
import { measureStartUps } from './start-up.ts';
import { compareWithTargets } from './targets.ts';
import { openTestEnvironment } from './test-environment.ts';
import { startWorkerd, type Workerd } from './workerd.ts';

// `npm run bench`: what the service costs beside a bare Worker and beside better-auth, all over one local cloud.

/** As many as sign out in a warm-up. */
const USERS = 4000;
const FULL = { requests: 3000, memorySessions: 100_000, crowd: 1_000_000 };
const QUICK = { requests: 100, memorySessions: 1000, crowd: 10_000 };
const PARTS = [...SCENARIO_NAMES, 'start-up', 'memory', 'million'] as const;
type Part = (typeof PARTS)[number];

const options = program
  .name('npm run bench --')
  .description(
    'Measures the service beside a bare Worker and better-auth. The baselines are always measured.',
  )
  .option(
    '--rounds <count>',
    'rounds of each case, taken in turn; the report has medians',
    positiveInteger,
    5,
  )
  .option('--only <parts>', `some of: ${PARTS.join(', ')}`, someOf(PARTS))
  .option('--quick', 'few requests: shows that everything works, the figures mean nothing')
  .parse()
  .opts<{ rounds: number; only?: Part[]; quick?: true }>();
const sizes = options.quick ? QUICK : FULL;
const isWanted = (part: Part): boolean => options.only?.includes(part) ?? true;

/** All cases take their rounds in turn: what disturbs the machine for a while disturbs them all. */
async function measureCases(bench: Bench, cases: readonly Case[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const measured of cases) {
    console.log(`Warming up: ${measured.scenario}, ${measured.candidate} ${measured.variant}`);
    await warmUp(bench, measured);
    results.push({ measured, samples: [], cost: await measureStoreCost(bench, measured) });
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    console.log(`Round ${round} of ${options.rounds}`);
    for (const { measured, samples } of results) samples.push(await measureRound(bench, measured));
  }
  return results;
}

console.log('Starting Redis and MySQL, building the Workers ...');
const environment = await openTestEnvironment(USERS);
const { cloud } = environment;
const workers: Partial<Record<CandidateName, Workerd>> = {};
try {
  const candidates = await buildCandidates(environment, USERS);
  for (const name of CANDIDATE_NAMES) workers[name] = await startWorkerd(candidates[name]);
  const bench: Bench = {
    ...environment,
    workers: workers as Record<CandidateName, Workerd>,
    requests: sizes.requests,
  };
  const results = await measureCases(
    bench,
    CASES.filter((each) => isWanted(each.scenario) || each === HONO_BASELINE || each === FETCH_BASELINE),
  );
  const startUps = isWanted('start-up') ? await measureStartUps(bench, candidates) : [];
  const memory: SessionMemory[] = [];
  if (isWanted('memory')) {
    for (const sessionsPerUser of [1, 2])
      memory.push(await measureMemory(cloud.redis, sizes.memorySessions, sessionsPerUser));
  }
  const crowdedCosts = isWanted('million') ? await measureCrowdedCosts(bench, sizes.crowd) : [];
  const bundles = Object.values(candidates).map(({ bundle }) => bundle);
  const targets = compareWithTargets(results, candidates.service.bundle, memory);
  const report: Report = { results, bundles, startUps, memory, crowdedCosts, targets };
  await publish('bench', cloud, reportSections(report), report);
} finally {
  await Promise.all(Object.values(workers).map((worker) => worker.stop()));
  await cloud.stop();
}
