import { loadavg } from 'node:os';
import { DELIVERY_BATCH_SIZE, DELIVERY_BATCHES_PER_RUN } from '../../../src/activity/delivery.ts';
import type { LocalCloud } from '../../local-cloud/local-cloud.ts';
import { spawnCronWorker } from './cron-worker.ts';
import { auditRows, drain, runCron, sumOf, type CronRun } from './drain.ts';
import { plantEvents, type PlantedEvents } from './plant-events.ts';
import { emptyStores, readNumber, type ScaleStage } from './stage.ts';

const MINUTE_MS = 60_000;
/** Between the Worker and each store, there and back, in the runs that look at distance. */
const DISTANT_MS = 10;

/** What one run of the cron delivers at most, by its own bounds. */
export const ROWS_PER_RUN = DELIVERY_BATCH_SIZE * DELIVERY_BATCHES_PER_RUN;

export interface DeliveryReport {
  planted: PlantedEvents;
  /** One event of the cron after the other, without a pause. */
  runs: CronRun[];
  total: CronRun;
  /** What MySQL says that the rows take, indexes included. */
  tableBytes: number;
  loadAverage: number;
}

export interface BacklogReport extends DeliveryReport {
  rowsPerRun: number;
  /** With the cron once a minute: from the first event until the last row. */
  drainedAfterMs: number;
  /** One full run with the stores further away. */
  distant: CronRun & { roundTripMs: number };
}

/** Delivers so many events through the outbox as fast as the cron's handler can. */
export async function measureDelivery(stage: ScaleStage, rows: number): Promise<DeliveryReport> {
  console.log(`Putting ${rows.toLocaleString('en')} events into the outbox`);
  const [loadAverage = Number.NaN] = loadavg();
  const { cloud } = stage;
  await emptyStores(cloud);
  const planted = await plantEvents(cloud.redis, rows);
  await using worker = await spawnCronWorker(stage.bundle, stage.bindings);
  const runs = await drain(cloud, worker, showPending);
  await auditRows(cloud, planted);
  return { planted, runs, total: sumOf(runs), tableBytes: await tableBytes(cloud), loadAverage };
}

/** One line that changes, where there is a terminal. */
function showPending(pending: number): void {
  if (!process.stdout.isTTY) return;
  const line = pending === 0 ? '' : `${pending.toLocaleString('en')} pending`;
  process.stdout.write(`\r${line.padEnd(20)}\r`);
}

/** How long the cron, once a minute, has to work on so many events. */
export async function measureBacklog(stage: ScaleStage, rows: number): Promise<BacklogReport> {
  const report = await measureDelivery(stage, rows);
  const last = report.runs.at(-1)?.elapsedMs ?? 0;
  // Each run begins a minute after the one before, or later where that one takes longer.
  const before = report.runs.slice(0, -1);
  const drainedAfterMs = last + before.reduce((sum, run) => sum + Math.max(run.elapsedMs, MINUTE_MS), 0);
  return { ...report, rowsPerRun: ROWS_PER_RUN, drainedAfterMs, distant: await measureDistant(stage) };
}

async function measureDistant({ cloud, bundle, bindings }: ScaleStage): Promise<BacklogReport['distant']> {
  console.log(`One run of the cron with stores ${DISTANT_MS} ms away`);
  await emptyStores(cloud);
  await plantEvents(cloud.redis, ROWS_PER_RUN);
  await using worker = await spawnCronWorker(bundle, bindings);
  for (const store of ['redis', 'mysql'] as const) cloud.faults.set(store, { kind: 'delay', ms: DISTANT_MS });
  try {
    return { ...(await runCron(cloud, worker)), roundTripMs: DISTANT_MS };
  } finally {
    cloud.faults.clear();
  }
}

async function tableBytes(cloud: LocalCloud): Promise<number> {
  await cloud.query('ANALYZE TABLE login_activity, logout_activity');
  return readNumber(
    cloud,
    `SELECT SUM(data_length + index_length) FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name IN ('login_activity', 'logout_activity')`,
  );
}
