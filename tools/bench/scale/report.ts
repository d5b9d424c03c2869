import { markdownTable } from 'markdown-table';
import { formatNumber } from '../format-number.ts';
import type { Backlog, CronRun, Delivery } from './delivery.ts';
import type { Expiry } from './expiry.ts';
import type { MixedLoad } from './mixed-load.ts';

export interface ScaleReport {
  loads: MixedLoad[];
  delivery: Delivery | null;
  backlog: Backlog | null;
  expiry: Expiry | null;
}

const MEMORY_POINTS = 10;
const MIB = 2 ** 20;

/** The report as Markdown tables. */
export function scaleSections({ loads, delivery, backlog, expiry }: ScaleReport): string[] {
  return [
    ...loads.map(loadSection),
    ...(delivery === null ? [] : [deliveryTable('Delivery', delivery)]),
    ...(backlog === null ? [] : [deliveryTable('Backlog', backlog), backlogTable(backlog)]),
    ...(expiry === null ? [] : [expiryTable(expiry)]),
  ];
}

function loadSection(load: MixedLoad): string {
  const { perRequest, memory, liveHeapMib, unexpected, wrongRows } = load;
  const kinds = load.kinds.map(({ name, count, p50Ms, p99Ms }) => [
    name,
    formatNumber(count),
    formatNumber(p50Ms, 2),
    formatNumber(p99Ms, 2),
  ]);
  const points = Array.from({ length: MEMORY_POINTS }, (_, i) =>
    formatNumber(memory.mib[Math.floor(((i + 1) * memory.mib.length) / MEMORY_POINTS) - 1] ?? Number.NaN),
  );
  const quarters = [memory.secondQuarterMib, memory.lastQuarterMib].map((mib) => formatNumber(mib, 1));
  const live = [liveHeapMib.before, liveHeapMib.after].map((mib) => formatNumber(mib, 1));
  return [
    markdownTable([[`load ${load.mix}`, 'requests', 'p50 ms', 'p99 ms'], ...kinds]),
    markdownTable([
      ['', load.mix],
      ['connections', String(load.connections)],
      ['requests/s', formatNumber(load.requestsPerSecond)],
      ['CPU ms of workerd a request', formatNumber(perRequest.cpuMs, 3)],
      ['Redis commands a request', formatNumber(perRequest.redisCommands, 2)],
      ['SQL statements a request', formatNumber(perRequest.sqlStatements, 3)],
      ['bytes of log a request', formatNumber(perRequest.logBytes)],
      ['MiB of workerd, at each tenth of the run', points.join(', ')],
      ['the same, second and last quarter', `${quarters.join(', ')}: ${memory.isFlat ? 'flat' : 'NOT FLAT'}`],
      ['MiB of JavaScript in use, before and after', live.join(', ')],
      ['rows', wrongRows ?? 'one for each sign-in and sign-out'],
      ['unexpected responses', formatNumber(unexpected.length)],
    ]),
    ...unexpected.slice(0, 5),
  ].join('\n\n');
}

function deliveryTable(title: string, { planted, runs, total, tableBytes }: Delivery): string {
  const perThousand = (value: number): string => formatNumber((1000 * value) / total.rows, 1);
  return markdownTable([
    [title, ''],
    ['events', `${formatNumber(planted.logins)} sign-ins, ${formatNumber(planted.logouts)} sign-outs`],
    ['rows: none twice, none missing', formatNumber(total.rows)],
    ['bytes of an event in the outbox', formatNumber(planted.payloadBytes / total.rows)],
    ['MiB of Redis for all of them', formatNumber(planted.redisBytes / MIB)],
    ['runs of the cron', formatNumber(runs.length)],
    ['seconds in all', formatNumber(total.elapsedMs / 1000, 1)],
    ['rows/s', formatNumber((1000 * total.rows) / total.elapsedMs)],
    ['seconds for a run, first and last', `${seconds(runs[0])}, ${seconds(runs.at(-1))}`],
    ['SQL statements for 1,000 rows', perThousand(total.sqlStatements)],
    ['Redis commands for 1,000 rows', perThousand(total.redisCommands)],
    ['CPU ms of workerd for 1,000 rows', perThousand(total.cpuMs)],
    [
      'ms in MySQL and in Redis for 1,000 rows',
      `${perThousand(total.mysqlMs)}, ${perThousand(total.redisMs)}`,
    ],
    ['bytes of a row in MySQL, indexes included', formatNumber(tableBytes / total.rows)],
  ]);
}

function backlogTable({ rowsPerRun, drainedAfterMs, runs, distant }: Backlog): string {
  return markdownTable([
    ['Once a minute', ''],
    ['rows that one run delivers at most', formatNumber(rowsPerRun)],
    ['runs', formatNumber(runs.length)],
    ['minutes until drained, one run a minute', formatNumber(drainedAfterMs / 60_000, 1)],
    [`seconds for a full run with stores ${distant.roundTripMs} ms away`, seconds(distant)],
    ['subrequests of that run', formatNumber(distant.redisCommands + distant.sqlStatements)],
    ['CPU ms of that run', formatNumber(distant.cpuMs)],
  ]);
}

function expiryTable({ sessions, runs, script, bytesPerSession, bytesLeftPerSession }: Expiry): string {
  const first = runs[0] ?? { sessions: Number.NaN, elapsedMs: Number.NaN };
  const longestMs = Math.max(...runs.map(({ elapsedMs }) => elapsedMs));
  const inMs = [script.meanMs, script.p99Ms, script.longestMs].map((ms) => formatNumber(ms, 1));
  return markdownTable([
    ['Expiry', ''],
    ['sessions that expired in one minute: one row each', formatNumber(sessions)],
    ['runs of the cron', formatNumber(runs.length)],
    ['sessions that the first run ended', formatNumber(first.sessions)],
    ['seconds for the longest run', formatNumber(longestMs / 1000, 1)],
    ['ms for a script that ends them: mean, p99, longest', inMs.join(', ')],
    ['bytes of Redis for a session, before', formatNumber(bytesPerSession)],
    ['what is left of it', formatNumber(bytesLeftPerSession)],
  ]);
}

const seconds = (run: CronRun | undefined): string => formatNumber((run?.elapsedMs ?? Number.NaN) / 1000, 1);
