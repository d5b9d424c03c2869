import { countCalls, type CallCounts } from '../local-cloud/calls.ts';
import { nowMs } from '../local-cloud/clock.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import type { LoadGenerator, LoadRequest } from './load.ts';
import { cpuMs } from './process-cpu.ts';
import type { Cell, Stage } from './scenarios.ts';
import { storeTimeMs } from './store-time.ts';
import type { Workerd } from './workerd.ts';

/** Makes waits long enough to be told from the work around them. */
const STORE_DELAY_MS = 20;
/** Work behind an answer is over when no store has been called for this long. */
const QUIET_MS = 60;
/** Sessions that a check goes through in turn. */
const CHECKED_SESSIONS = 200;
/** More than any candidate ends in a second on two cores. */
const ENDED_A_SECOND = 700;
/** Until V8 has optimised what runs often; a Worker in production is warm. */
const WARM_UP_REQUESTS = { checks: 15_000, endings: 2000, 'sign-ins': 5 };
const WARM_UP_MAX_MS = 15_000;
/** There are few sign-ins in a second. */
const SIGN_IN_SHARE = 2;

export interface Bench {
  cloud: CloudProxy;
  stage: Stage;
  load: LoadGenerator;
  workers: Record<string, Workerd>;
  /** Seconds that one cell is measured for in one round. */
  seconds: number;
}

function warmUpsOf({ scenario, repeat }: Cell): number {
  if (scenario === 'sign-in') return WARM_UP_REQUESTS['sign-ins'];
  return repeat ? WARM_UP_REQUESTS.checks : WARM_UP_REQUESTS.endings;
}

/** What one round tells of a cell. */
export interface Sample {
  count: number;
  /** CPU of workerd for a request, what it does behind the answer included. */
  cpuMs: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Time for which an answer waits until the stores are done; NaN where requests overlap. */
  storeMs: number;
}

/** What one request asks of the stores. */
export interface StoreCost {
  /** Until the answer. */
  before: CallCounts;
  /** Until nothing is done for it any more. */
  all: CallCounts;
}

/** Measures one cell once, from empty stores; `first` also warms its Worker up and looks at one request's calls. */
export async function measureCell(
  bench: Bench,
  cell: Cell,
  first: boolean,
): Promise<{ sample: Sample; cost: StoreCost | null }> {
  const { cloud, load, seconds } = bench;
  const worker = workerOf(bench, cell);
  await cloud.redis.flushdb();
  cloud.calls.length = 0;
  const warmUps = first ? warmUpsOf(cell) : 0;
  const measured = cell.repeat
    ? CHECKED_SESSIONS
    : seconds * (cell.scenario === 'sign-in' ? 50 : ENDED_A_SECOND);
  const requests = await cell.prepare(bench.stage, Math.ceil(measured + (cell.repeat ? 0 : warmUps + 1)));
  const cost = first ? await storeCost(bench, cell, cell.repeat ? requests[0] : requests.pop()) : null;
  const order = {
    port: worker.port,
    concurrency: cell.concurrency,
    expected: cell.expected,
    forMs: 1000 * seconds * (cell.scenario === 'sign-in' ? SIGN_IN_SHARE : 1),
  };
  if (warmUps > 0) {
    const warming = cell.repeat ? requests : requests.splice(0, warmUps);
    await load.run({
      ...order,
      repeat: cell.repeat,
      requests: warming,
      limit: warmUps,
      forMs: WARM_UP_MAX_MS,
    });
  }
  await quiet(cloud);

  cloud.calls.length = 0;
  const cpuBefore = cpuMs(worker.pid);
  const { count, elapsedMs, p50Ms, p99Ms } = await load.run({ ...order, repeat: cell.repeat, requests });
  await quiet(cloud);
  const sample = {
    count,
    cpuMs: (cpuMs(worker.pid) - cpuBefore) / count,
    requestsPerSecond: (1000 * count) / elapsedMs,
    p50Ms,
    p99Ms,
    // Only one after the other do they add up.
    storeMs: cell.concurrency === 1 ? storeTimeMs(cloud.calls) / count : Number.NaN,
  };
  return { sample, cost };
}

/** Sends one request while both stores are slow and nothing else is under way. */
async function storeCost(bench: Bench, cell: Cell, request: LoadRequest | undefined): Promise<StoreCost> {
  const { cloud, load } = bench;
  if (request === undefined) throw new Error(`${cell.scenario} has no request`);
  const order = {
    port: workerOf(bench, cell).port,
    requests: [request],
    repeat: false,
    concurrency: 1,
    forMs: 10_000,
    expected: cell.expected,
  };
  // What is done once in a Worker's life (better-auth looks at its tables, say) is no request's cost.
  if (cell.repeat) await load.run(order);
  await quiet(cloud);
  for (const store of ['redis', 'mysql'] as const)
    cloud.faults.set(store, { kind: 'delay', ms: STORE_DELAY_MS });
  const fromMs = nowMs();
  await load.run(order);
  const answeredMs = nowMs();
  await quiet(cloud, 5 * STORE_DELAY_MS);
  cloud.faults.clear();
  const all = countCalls(cloud.calls, fromMs, nowMs());
  const before = countCalls(cloud.calls, fromMs, answeredMs);
  return { before, all };
}

/** Waits until the work behind all answers is done. */
async function quiet(cloud: CloudProxy, forMs = QUIET_MS): Promise<void> {
  for (let last = -1; last !== cloud.calls.length;) {
    last = cloud.calls.length;
    await new Promise((resolve) => setTimeout(resolve, forMs));
    await cloud.settled();
  }
}

function workerOf(bench: Bench, cell: Cell): Workerd {
  const worker = bench.workers[cell.candidate];
  if (worker === undefined) throw new Error(`${cell.candidate} is not running`);
  return worker;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] =
    sorted.length % 2 === 0 ? [sorted[middle - 1], sorted[middle]] : [sorted[middle], sorted[middle]];
  return (low + high) / 2;
}
