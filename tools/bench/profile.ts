import { program } from 'commander';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCandidates } from './candidates.ts';
import { bundleService, OUTPUT } from './bundles.ts';
import { positiveInteger } from './cli-options.ts';
import { withDevTools } from './devtools.ts';
import { cycle, sendAll } from './load.ts';
import { FETCH_BASELINE, HONO_BASELINE, CHECK_BY_BEARER, HOME } from './scenarios.ts';
import { openTestEnvironment } from './test-environment.ts';
import { startWorkerd } from './workerd.ts';

// `node tools/bench/profile.ts`: where the CPU goes, function by function, from V8's sampling profiler in workerd. Open
// the `.cpuprofile` in Chrome DevTools.

const USERS = 200;
const WARM_UP_REQUESTS = 15_000;
const SAMPLING_MICROSECONDS = 200;
const CASES = { check: CHECK_BY_BEARER, home: HOME, hono: HONO_BASELINE, fetch: FETCH_BASELINE };

const { requests: count } = program
  .argument('<case>', Object.keys(CASES).join(', '))
  .option('--requests <count>', 'how many are sampled', positiveInteger, 15_000)
  .parse()
  .opts<{ requests: number }>();
const [name = ''] = program.args;
const benchCase = CASES[name as keyof typeof CASES] ?? program.error(`There is no case ${name}`);

const environment = await openTestEnvironment(USERS);
try {
  const candidate = (await buildCandidates(environment, USERS))[benchCase.candidate];
  // Whole names instead of single letters.
  const bundle = benchCase.candidate === 'service' ? bundleService({ minify: false }) : candidate.bundle;
  await using worker = await startWorkerd({ ...candidate, bundle }, { inspect: true });
  const users = Array.from({ length: USERS }, (_, user) => user);
  const requests = await benchCase.prepare(environment, users, worker.origin);
  const { connections } = benchCase.load;
  await sendAll(worker.origin, cycle(requests, WARM_UP_REQUESTS), connections);
  await withDevTools(worker, async (call) => {
    await call('Profiler.enable');
    await call('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
    await call('Profiler.start');
    await sendAll(worker.origin, cycle(requests, count), connections);
    const { profile } = (await call('Profiler.stop')) as { profile: unknown };
    const path = join(OUTPUT, `${name}.cpuprofile`);
    writeFileSync(path, JSON.stringify(profile));
    console.log(`${count} requests: ${path}`);
  });
} finally {
  await environment.cloud.stop();
}
