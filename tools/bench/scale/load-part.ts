import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import type { SessionKind } from '../../../src/session/session.ts';
import type { LocalCloud } from '../../local-cloud/local-cloud.ts';
import { clientHeaders, PASSWORD, PUBLIC_ORIGIN, usernameOf } from '../people.ts';
import { cpuMs } from '../process-cpu.ts';
import type { LoadRequest } from '../load.ts';
import { browserCookies, directRedis, seedSessions } from '../seed.ts';
import { spawnWorkerd, untilListening } from '../workerd.ts';
import { liveHeapMib } from './live-heap.ts';
import { runMix, type MixKind, type MixResult } from './mix.ts';
import { RssSampler, type RssCurve } from './rss.ts';
import { emptyStores, readNumber, type ScaleStage } from './stage.ts';

const CONNECTIONS = 16;
/** Sessions that the checks go through in turn. */
const CHECKED = 200;
/** People who sign in, again and again: below `MAX_SESSIONS_PER_USER` each. */
const SIGNING_IN = 100;
const QUIET_MS = 300;
/** Until V8 has optimised what runs often and has given itself the memory that it likes to have. */
const WARM_UP_MS = 15_000;

/** How many of a hundred requests are what. */
const MIXES = [
  {
    name: 'with sign-ins',
    shares: { bearer: 40, cookie: 40, home: 10, list: 3, signIn: 3, logout: 2, logoutPage: 2 },
    mostRequestsPerSecond: 1500,
  },
  {
    name: 'without sign-ins',
    shares: { bearer: 42, cookie: 41, home: 10, list: 3, signIn: 0, logout: 2, logoutPage: 2 },
    mostRequestsPerSecond: 6000,
  },
] as const;
type Shares = Readonly<Record<keyof (typeof MIXES)[number]['shares'], number>>;

/** One mix, sent to a fresh process for as long as was asked. */
export interface LoadReport extends MixResult {
  mix: string;
  connections: number;
  /** CPU of workerd for a request, what it does behind the answers included. */
  cpuMsPerRequest: number;
  redisCommandsPerRequest: number;
  sqlStatementsPerRequest: number;
  /** What the service logs about a request, in bytes. */
  logBytesPerRequest: number;
  rss: RssCurve;
  /** MiB of JavaScript in use after a garbage collection, before the first request and after the last one. */
  liveHeapMib: { before: number; after: number };
  /** Of the machine, over a minute, before the start. */
  loadAverage: number;
  /** What was wrong with the rows afterwards; null when each sign-in and sign-out has one. */
  wrongRows: string | null;
}

export async function measureLoad(stage: ScaleStage, seconds: number): Promise<LoadReport[]> {
  const reports: LoadReport[] = [];
  for (const { name, shares, mostRequestsPerSecond } of MIXES) {
    console.log(`Load for ${seconds} s on ${CONNECTIONS} connections, ${name}`);
    const [loadAverage = Number.NaN] = loadavg();
    const report = await measureMix(stage, shares, seconds, mostRequestsPerSecond);
    reports.push({ mix: name, connections: CONNECTIONS, loadAverage, ...report });
  }
  return reports;
}

async function measureMix(stage: ScaleStage, shares: Shares, seconds: number, mostRequestsPerSecond: number) {
  const { cloud, bundle, bindings } = stage;
  await emptyStores(cloud);
  const ended = Math.ceil((seconds * mostRequestsPerSecond * shares.logout) / 100);
  const kinds = await prepareKinds(stage, shares, ended);
  await using worker = await spawnWorkerd(bundle, bindings, { inspect: true });
  await untilListening(worker, bundle, { path: '/healthz' });
  // Not after the warm-up: a collection that is asked for makes V8 give memory back, and take it again.
  const heapBefore = await liveHeapMib(worker);
  const order = { port: worker.port, connections: CONNECTIONS };
  // With what is plentiful and cheap: checks, pages and lists.
  const warming = kinds.filter(({ name, repeat }) => repeat && name !== 'sign-in');
  const { errors } = await runMix({ ...order, forMs: WARM_UP_MS, kinds: warming });
  if (errors > 0) throw new Error(`${errors} answers were wrong before the load began`);
  const cost = { redis: 0, mysql: 0 };
  // The log of calls would grow by a hundred thousand entries otherwise.
  const countCalls = (): void => {
    for (const { store } of cloud.calls.splice(0)) cost[store] += 1;
  };
  countCalls();
  cost.redis = cost.mysql = 0;
  const log = `${bundle.directory}.log`;
  const logBefore = statSync(log).size;
  const cpuBefore = cpuMs(worker.pid);
  const sampler = new RssSampler(worker.pid, countCalls);
  const result = await runMix({
    ...order,
    forMs: seconds * 1000,
    kinds: kinds.filter(({ share }) => share > 0),
  });
  const rss = sampler.stop();
  await settle(cloud);
  countCalls();
  const cpuSpent = cpuMs(worker.pid) - cpuBefore;
  const { count } = result.total;
  return {
    ...result,
    cpuMsPerRequest: cpuSpent / count,
    redisCommandsPerRequest: cost.redis / count,
    sqlStatementsPerRequest: cost.mysql / count,
    logBytesPerRequest: (statSync(log).size - logBefore) / count,
    rss,
    liveHeapMib: { before: heapBefore, after: await liveHeapMib(worker) },
    wrongRows: await auditRows(cloud, result),
  };
}

/** Waits until the work behind all answers is done. */
async function settle(cloud: LocalCloud): Promise<void> {
  for (let last = -1; last !== cloud.calls.length;) {
    last = cloud.calls.length;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    await cloud.settled();
  }
}

async function auditRows(cloud: LocalCloud, { kinds }: MixResult): Promise<string | null> {
  const countOf = (word: string): number =>
    kinds.reduce((sum, { name, count }) => sum + (name.startsWith(word) ? count : 0), 0);
  for (const [table, expected] of [
    ['login_activity', countOf('sign-in')],
    ['logout_activity', countOf('logout')],
  ] as const) {
    const rows = await readNumber(cloud, `SELECT COUNT(*) FROM ${table}`);
    if (rows !== expected) return `${table} has ${rows} rows of ${expected}`;
  }
  return null;
}

async function prepareKinds(stage: ScaleStage, shares: Shares, ended: number): Promise<MixKind[]> {
  const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
  const checked = from(0, CHECKED);
  const signingIn = from(CHECKED, SIGNING_IN);
  const leaving = from(CHECKED + SIGNING_IN, ended);
  const ok = { status: 200, contains: '"user"' };
  const check = { repeat: true, expected: ok };
  const current = '/api/v1/sessions/current';
  return [
    {
      name: 'check (bearer)',
      share: shares.bearer,
      ...check,
      requests: await byBearer(stage, checked, 'GET', current),
    },
    {
      name: 'check (cookie)',
      share: shares.cookie,
      ...check,
      requests: await byCookie(stage, checked, 'GET', current),
    },
    {
      name: '/home/',
      share: shares.home,
      repeat: true,
      expected: { status: 200, contains: 'Hello, ' },
      requests: await byCookie(stage, checked, 'GET', '/home/'),
    },
    {
      name: 'session list',
      share: shares.list,
      repeat: true,
      expected: { status: 200, contains: '"sessions"' },
      requests: await byBearer(stage, checked, 'GET', '/api/v1/sessions'),
    },
    {
      name: 'sign-in',
      share: shares.signIn,
      repeat: true,
      expected: { status: 201 },
      requests: signingIn.map((person) => ({
        method: 'POST',
        path: '/api/v1/sessions',
        headers: {
          ...clientHeaders(person),
          'Content-Type': 'application/json',
          Origin: PUBLIC_ORIGIN,
        },
        body: JSON.stringify({ username: usernameOf(person), password: PASSWORD }),
      })),
    },
    {
      name: 'logout (bearer)',
      share: shares.logout,
      repeat: false,
      expected: { status: 200, contains: '"revoked":1' },
      requests: await byBearer(stage, leaving, 'DELETE', current),
    },
    {
      name: 'logout (page)',
      share: shares.logoutPage,
      repeat: false,
      expected: { status: 303 },
      requests: await byCookie(stage, leaving, 'POST', '/logout/'),
    },
  ];
}

const seed = ({ cloud }: ScaleStage, people: readonly number[], kind: SessionKind) =>
  seedSessions(directRedis(cloud.redis), people, kind);

/** Requests of apps, each with a session of its own. */
async function byBearer(
  stage: ScaleStage,
  people: readonly number[],
  method: string,
  path: string,
): Promise<LoadRequest[]> {
  const sessions = await seed(stage, people, 'bearer');
  return sessions.map(({ token }, i) => ({
    method,
    path,
    headers: { ...clientHeaders(people[i] ?? 0), Authorization: `Bearer ${token}` },
  }));
}

/** Requests of browsers, each with a session of its own. */
async function byCookie(
  stage: ScaleStage,
  people: readonly number[],
  method: 'GET' | 'POST',
  path: string,
): Promise<LoadRequest[]> {
  const sessions = await seed(stage, people, 'cookie');
  return Promise.all(
    sessions.map(async (session, i) => {
      const { cookie, formToken } = await browserCookies(stage.secretKey, session);
      const headers = {
        ...clientHeaders(people[i] ?? 0),
        Cookie: cookie,
        'Sec-Fetch-Site': 'same-origin',
      };
      if (method === 'GET') return { method, path, headers };
      const form = { Origin: PUBLIC_ORIGIN, 'Content-Type': 'application/x-www-form-urlencoded' };
      return { method, path, headers: { ...headers, ...form }, body: `csrfmiddlewaretoken=${formToken}` };
    }),
  );
}
