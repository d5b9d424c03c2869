import { countCalls, type Call, type CallCounts } from '../local-cloud/calls.ts';
import { nowMs } from '../local-cloud/clock.ts';
import type { CandidateName } from './candidates.ts';
import { cycle, quantile, sendAll, type LoadRequest, type LoadResult } from './load.ts';
import { cpuMs } from './process-usage.ts';
import type { Case } from './scenarios.ts';
import { untilQuiet, type TestEnvironment } from './test-environment.ts';
import type { Workerd } from './workerd.ts';

/** Makes round trips stand out from the work between them. */
const STORE_DELAY_MS = 20;
/** How many sessions repeatable requests go through. */
const SESSIONS = 200;

export interface Bench extends TestEnvironment {
  workers: Record<CandidateName, Workerd>;
  /** Of a session check in one round. */
  requests: number;
}

/** One round of one case. */
export interface Sample {
  /** CPU of workerd for a request, work in the background included. */
  cpuMs: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** How long a response waits for stores that are at work. Meaningless if requests overlap. */
  storeMs: number;
}

/** What one request asks of the stores. */
export interface StoreCost {
  /** Until the response. */
  before: CallCounts;
  /** Until all work for it is done. */
  all: CallCounts;
}

/** Measures one round of a case, from empty stores. */
export async function measureRound(bench: Bench, benchCase: Case): Promise<Sample> {
  const count = Math.ceil(bench.requests / benchCase.load.fewer);
  const requests = await prepare(bench, benchCase, count);
  bench.cloud.calls.length = 0;
  const { pid } = bench.workers[benchCase.candidate];
  const cpuBefore = cpuMs(pid);
  const { elapsedMs, latenciesMs } = await send(bench, benchCase, requests);
  await untilQuiet(bench);
  const latencies = [...latenciesMs.values()].flat();
  return {
    cpuMs: (cpuMs(pid) - cpuBefore) / count,
    requestsPerSecond: (1000 * count) / elapsedMs,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    storeMs: storeTimeMs(bench.cloud.calls) / count,
  };
}

export async function warmUp(bench: Bench, benchCase: Case): Promise<void> {
  const { warmUpRounds, fewer } = benchCase.load;
  const count = Math.ceil((warmUpRounds * bench.requests) / fewer);
  await send(bench, benchCase, await prepare(bench, benchCase, count));
  await untilQuiet(bench);
}

/** Sends one request while both stores are slow and nothing else is going on. */
export async function measureStoreCost(bench: Bench, benchCase: Case): Promise<StoreCost> {
  const { cloud } = bench;
  const requests = await prepare(bench, benchCase, 1);
  // What is done once in a Worker's life (better-auth looks at its tables) is not the request's cost.
  if (benchCase.load.isRepeatable) await send(bench, benchCase, requests);
  await untilQuiet(bench);
  for (const store of ['redis', 'mysql'] as const)
    cloud.faults.set(store, { kind: 'delay', ms: STORE_DELAY_MS });
  const startedAtMs = nowMs();
  const { elapsedMs } = await send(bench, benchCase, requests);
  await untilQuiet(bench);
  cloud.faults.clear();
  // Not now: the load generator notices the end of its work some time after the response.
  const respondedAtMs = startedAtMs + elapsedMs;
  return {
    before: countCalls(cloud.calls, startedAtMs, respondedAtMs),
    all: countCalls(cloud.calls, startedAtMs, nowMs()),
  };
}

async function prepare(bench: Bench, benchCase: Case, count: number): Promise<LoadRequest[]> {
  await bench.cloud.redis.flushdb();
  const { isRepeatable } = benchCase.load;
  const users = Array.from({ length: isRepeatable ? Math.min(SESSIONS, count) : count }, (_, user) => user);
  const requests = await benchCase.prepare(bench, users, bench.workers[benchCase.candidate].origin);
  await untilQuiet(bench);
  return cycle(requests, count);
}

async function send(bench: Bench, { candidate, load }: Case, requests: LoadRequest[]): Promise<LoadResult> {
  const result = await sendAll(bench.workers[candidate].origin, requests, load.connections);
  const [first] = result.unexpected;
  if (first !== undefined)
    throw new Error(`${candidate}: ${result.unexpected.length} unexpected responses, first ${first}`);
  return result;
}

/**
 * Milliseconds during which at least one store was at work before a response. Rows, and the events that they come
 * from, are written in the background.
 */
function storeTimeMs(calls: readonly Call[]): number {
  const awaited = calls.filter((call) =>
    call.store === 'mysql' ? !/^\s*(?:insert|update)/i.test(call.sql) : call.commands[0]?.[0] !== 'XDEL',
  );
  awaited.sort((a, b) => a.startedAtMs - b.startedAtMs);
  let sumMs = 0;
  let freeAtMs = -Infinity;
  for (const { startedAtMs, endedAtMs } of awaited) {
    sumMs += Math.max(0, endedAtMs - Math.max(startedAtMs, freeAtMs));
    freeAtMs = Math.max(freeAtMs, endedAtMs);
  }
  return sumMs;
}
