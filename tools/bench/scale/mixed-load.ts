import { statSync } from 'node:fs';
import { liveHeapMib } from '../devtools.ts';
import { quantile, sendAll, type LoadRequest } from '../load.ts';
import { cpuMs, residentMib } from '../process-usage.ts';
import { service, type Prepare } from '../requests.ts';
import { median } from '../results.ts';
import { untilQuiet, type TestEnvironment } from '../test-environment.ts';
import { startWorkerd, type Worker } from '../workerd.ts';
import { emptyStores } from './planted-events.ts';

const CONNECTIONS = 16;
const SAMPLE_MS = 200;
/** How far memory in the last quarter of a run may lie above that in the second one. */
const FLAT_GROWTH_MAX = 0.1;
/** How many sessions the checks go through. */
const CHECKED_SESSIONS = 200;
/** Below MAX_SESSIONS_PER_USER: no sign-in ends an older session. */
const SIGN_INS_PER_USER = 20;
/** Until V8 has optimised what runs often and has taken the memory that it wants. */
const WARM_UP_REQUESTS_MAX = 60_000;

/** What the requests are, of a hundred each. */
export const MIXES = {
  'with sign-ins': { bearer: 40, cookie: 40, home: 10, list: 3, signIn: 3, logout: 2, logoutPage: 2 },
  'without sign-ins': { bearer: 42, cookie: 41, home: 10, list: 3, signIn: 0, logout: 2, logoutPage: 2 },
} as const;
type MixName = keyof typeof MIXES;
type Kind = keyof (typeof MIXES)[MixName];

const PREPARE: Record<Kind, { prepare: Prepare; requestsPerUser: number }> = {
  bearer: { prepare: service.checkByBearer, requestsPerUser: Infinity },
  cookie: { prepare: service.checkByCookie, requestsPerUser: Infinity },
  home: { prepare: service.home, requestsPerUser: Infinity },
  list: { prepare: service.list, requestsPerUser: Infinity },
  signIn: { prepare: service.signIn, requestsPerUser: SIGN_INS_PER_USER },
  logout: { prepare: service.logoutByBearer, requestsPerUser: 1 },
  logoutPage: { prepare: service.logoutPage, requestsPerUser: 1 },
};

export interface MixedLoad {
  mix: MixName;
  connections: number;
  requestsPerSecond: number;
  kinds: { name: string; count: number; p50Ms: number; p99Ms: number }[];
  /** What one request costs, work in the background included. */
  perRequest: { cpuMs: number; redisCommands: number; sqlStatements: number; logBytes: number };
  memory: MemoryCurve;
  /** MiB of JavaScript in use after a garbage collection, before the first request and after the last. */
  liveHeapMib: { before: number; after: number };
  unexpected: string[];
  /** Null if each sign-in and sign-out has exactly one row. */
  wrongRows: string | null;
}

/** Resident memory of workerd over a run. */
export interface MemoryCurve {
  mib: number[];
  /** Medians. */
  secondQuarterMib: number;
  lastQuarterMib: number;
  isFlat: boolean;
}

/** Sends so many requests of a mix to a fresh workerd, evenly interleaved. */
export async function measureMixedLoad(
  environment: TestEnvironment,
  worker: Worker,
  mix: MixName,
  count: number,
): Promise<MixedLoad> {
  console.log(`${count.toLocaleString('en')} requests on ${CONNECTIONS} connections, ${mix}`);
  const { cloud } = environment;
  await emptyStores(cloud);
  await using workerd = await startWorkerd(worker, { inspect: true });
  const send = (requests: readonly LoadRequest[]) => sendAll(workerd.origin, requests, CONNECTIONS);
  const requests = await mixedRequests(environment, MIXES[mix], count, workerd.origin);
  // Not after the warm-up: a collection that is asked for makes V8 give memory back, and take it again.
  const heapBefore = await liveHeapMib(workerd);
  const reads = requests.filter(({ method }) => method === 'GET');
  const warmedUp = await send(reads.slice(0, WARM_UP_REQUESTS_MAX));
  await untilQuiet(environment);

  const calls = { redis: 0, mysql: 0 };
  const memoryMib: number[] = [];
  const sample = (): void => {
    memoryMib.push(residentMib(workerd.pid));
    // Taken away, as the list would grow by a hundred thousand entries.
    for (const { store } of cloud.calls.splice(0)) calls[store] += 1;
  };
  cloud.calls.length = 0;
  const before = { cpuMs: cpuMs(workerd.pid), logBytes: statSync(workerd.logFile).size };
  const timer = setInterval(sample, SAMPLE_MS);
  const { elapsedMs, latenciesMs, unexpected } = await send(requests);
  clearInterval(timer);
  await untilQuiet(environment);
  sample();
  const total = [...latenciesMs.values()].flat().sort((a, b) => a - b);
  return {
    mix,
    connections: CONNECTIONS,
    requestsPerSecond: (1000 * count) / elapsedMs,
    kinds: [...latenciesMs, ['all', total] as const].map(([name, latencies]) => ({
      name,
      count: latencies.length,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
    })),
    perRequest: {
      cpuMs: (cpuMs(workerd.pid) - before.cpuMs) / count,
      redisCommands: calls.redis / count,
      sqlStatements: calls.mysql / count,
      logBytes: (statSync(workerd.logFile).size - before.logBytes) / count,
    },
    memory: curveOf(memoryMib),
    liveHeapMib: { before: heapBefore, after: await liveHeapMib(workerd) },
    unexpected: [...warmedUp.unexpected, ...unexpected],
    wrongRows: await findWrongRows(environment, requests),
  };
}

/** The requests of a mix, evenly interleaved. */
async function mixedRequests(
  environment: TestEnvironment,
  shares: Readonly<Record<Kind, number>>,
  count: number,
  origin: string,
): Promise<LoadRequest[]> {
  const places: { request: LoadRequest; at: number }[] = [];
  let firstUser = 0;
  for (const [kind, share] of Object.entries(shares) as [Kind, number][]) {
    const { prepare, requestsPerUser } = PREPARE[kind];
    const own = Math.round((count * share) / 100);
    const userCount = Math.ceil(Math.min(Math.max(own / requestsPerUser, CHECKED_SESSIONS), own));
    const users = Array.from({ length: userCount }, (_, i) => firstUser + i);
    firstUser += userCount;
    const requests = await prepare(environment, users, origin);
    for (let i = 0; i < own; i += 1) {
      const request = requests[i % requests.length];
      if (request !== undefined) places.push({ request, at: (i + 0.5) / own });
    }
  }
  return places.sort((a, b) => a.at - b.at).map(({ request }) => request);
}

function curveOf(mib: number[]): MemoryCurve {
  const quarter = Math.ceil(mib.length / 4);
  const secondQuarterMib = median(mib.slice(quarter, 2 * quarter));
  const lastQuarterMib = median(mib.slice(-quarter));
  const isFlat = !(lastQuarterMib > secondQuarterMib * (1 + FLAT_GROWTH_MAX));
  return { mib, secondQuarterMib, lastQuarterMib, isFlat };
}

async function findWrongRows(
  { cloud }: TestEnvironment,
  requests: readonly LoadRequest[],
): Promise<string | null> {
  for (const [table, kind] of [
    ['login_activity', 'sign-in'],
    ['logout_activity', 'logout'],
  ] as const) {
    const expected = requests.filter(({ name }) => name.startsWith(kind)).length;
    const [row] = await cloud.query(`SELECT COUNT(*) AS total FROM ${table}`);
    if (Number(row?.['total']) !== expected)
      return `${table} has ${Number(row?.['total'])} rows of ${expected}`;
  }
  return null;
}
