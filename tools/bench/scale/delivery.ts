import type { LocalCloud } from '../../local-cloud/local-cloud.ts';
import { cpuMs } from '../process-usage.ts';
import { OUTBOX_KEY, ROWS_PER_CRON_RUN } from '../seed.ts';
import type { TestEnvironment } from '../test-environment.ts';
import { runCron, startWorkerd, type Worker, type Workerd } from '../workerd.ts';
import { checkRows, plantEvents, type PlantedEvents } from './planted-events.ts';

const MINUTE_MS = 60_000;
/** Between the Worker and each store, there and back, in the run with distant stores. */
const DISTANT_MS = 10;

/**
 * What a server for a million rows has, instead of the few megabytes that are enough for tests. The second is
 * MariaDB's name, the third MySQL's: the server knows one of them.
 */
export const MYSQL_SIZES = [
  'SET GLOBAL innodb_buffer_pool_size = 2147483648',
  'SET GLOBAL innodb_log_file_size = 1073741824',
  'SET GLOBAL innodb_redo_log_capacity = 1073741824',
];

/** What one run of the cron did. */
export interface CronRun {
  rows: number;
  elapsedMs: number;
  cpuMs: number;
  redisCommands: number;
  sqlStatements: number;
  /** From the arrival of the calls to their results; they come one after the other. */
  redisMs: number;
  mysqlMs: number;
}

export interface Delivery {
  planted: PlantedEvents;
  /** One after the other, without a pause. */
  runs: CronRun[];
  total: CronRun;
  /** What the rows take in MySQL, indexes included. */
  tableBytes: number;
}

export interface Backlog extends Delivery {
  rowsPerRun: number;
  /** With the cron once a minute: from the first event to the last row. */
  drainedAfterMs: number;
  /** One full run with distant stores. */
  distant: CronRun & { roundTripMs: number };
}

/** Delivers so many events through the outbox as fast as the cron's handler can. */
export async function measureDelivery(
  { cloud }: TestEnvironment,
  service: Worker,
  rows: number,
): Promise<Delivery> {
  console.log(`Delivering ${rows.toLocaleString('en')} events through the outbox`);
  for (const statement of MYSQL_SIZES) await cloud.query(statement).catch(() => undefined);
  const planted = await plantEvents(cloud, rows);
  await using worker = await startWorkerd(service, { cron: true });
  const runs: CronRun[] = [];
  for (let pending = rows; pending > 0;) {
    const run = await measureCron(cloud, worker);
    if (run.rows === 0) throw new Error(`A run of the cron delivered nothing, ${pending} events are pending`);
    runs.push(run);
    pending -= run.rows;
  }
  await checkRows(cloud, planted);
  return { planted, runs, total: sumOf(runs), tableBytes: await tableBytes(cloud) };
}

/** How long the cron, once a minute, needs for so many events. */
export async function measureBacklog(
  environment: TestEnvironment,
  service: Worker,
  rows: number,
): Promise<Backlog> {
  const delivery = await measureDelivery(environment, service, rows);
  const last = delivery.runs.at(-1)?.elapsedMs ?? 0;
  // Each run begins a minute after the previous one, or later if that one takes longer.
  const drainedAfterMs = delivery.runs
    .slice(0, -1)
    .reduce((sum, { elapsedMs }) => sum + Math.max(elapsedMs, MINUTE_MS), last);
  const distant = await measureDistantRun(environment, service);
  return { ...delivery, rowsPerRun: ROWS_PER_CRON_RUN, drainedAfterMs, distant };
}

async function measureDistantRun({ cloud }: TestEnvironment, service: Worker): Promise<Backlog['distant']> {
  console.log(`One run of the cron with stores ${DISTANT_MS} ms away`);
  await plantEvents(cloud, ROWS_PER_CRON_RUN);
  await using worker = await startWorkerd(service, { cron: true });
  for (const store of ['redis', 'mysql'] as const) cloud.faults.set(store, { kind: 'delay', ms: DISTANT_MS });
  try {
    return { ...(await measureCron(cloud, worker)), roundTripMs: DISTANT_MS };
  } finally {
    cloud.faults.clear();
  }
}

async function measureCron(cloud: LocalCloud, worker: Workerd): Promise<CronRun> {
  const before = await cloud.redis.xlen(OUTBOX_KEY);
  cloud.calls.length = 0;
  const cpuBefore = cpuMs(worker.pid);
  const startedAt = performance.now();
  await runCron(worker);
  const elapsedMs = performance.now() - startedAt;
  const run = { redisCommands: 0, sqlStatements: 0, redisMs: 0, mysqlMs: 0 };
  for (const call of cloud.calls) {
    if (call.store === 'redis') run.redisCommands += call.commands.length;
    else run.sqlStatements += 1;
    run[`${call.store}Ms`] += call.endedAtMs - call.startedAtMs;
  }
  const rows = before - (await cloud.redis.xlen(OUTBOX_KEY));
  return { rows, elapsedMs, cpuMs: cpuMs(worker.pid) - cpuBefore, ...run };
}

function sumOf(runs: readonly CronRun[]): CronRun {
  const total = {
    rows: 0,
    elapsedMs: 0,
    cpuMs: 0,
    redisCommands: 0,
    sqlStatements: 0,
    redisMs: 0,
    mysqlMs: 0,
  };
  for (const run of runs)
    for (const field of Object.keys(total) as (keyof CronRun)[]) total[field] += run[field];
  return total;
}

async function tableBytes(cloud: LocalCloud): Promise<number> {
  await cloud.query('ANALYZE TABLE login_activity, logout_activity');
  const [row] = await cloud.query(
    `SELECT SUM(data_length + index_length) AS bytes FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name IN ('login_activity', 'logout_activity')`,
  );
  return Number(row?.['bytes']);
}
