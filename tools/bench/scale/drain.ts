import { OUTBOX_KEY, SET_ASIDE_KEY } from '../../../src/activity/redis-outbox.ts';
import type { LocalCloud } from '../../local-cloud/local-cloud.ts';
import { cpuMs } from '../process-cpu.ts';
import type { CronWorker } from './cron-worker.ts';
import type { PlantedEvents } from './plant-events.ts';
import { readNumber } from './stage.ts';

/** What one run of the cron did. */
export interface CronRun {
  rows: number;
  elapsedMs: number;
  /** CPU of workerd. */
  cpuMs: number;
  redisCommands: number;
  sqlStatements: number;
  /** Time between the arrival of the calls and their answers; they come one after the other. */
  redisMs: number;
  mysqlMs: number;
}

/** Sends one scheduled event and looks at what came of it. */
export async function runCron(cloud: LocalCloud, worker: CronWorker): Promise<CronRun> {
  const before = await cloud.redis.xlen(OUTBOX_KEY);
  cloud.calls.length = 0;
  const cpuBefore = cpuMs(worker.pid);
  const startedAt = performance.now();
  await worker.run();
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

/** Sends one scheduled event after the other until nothing is pending. */
export async function drain(
  cloud: LocalCloud,
  worker: CronWorker,
  onRun: (pending: number) => void,
): Promise<CronRun[]> {
  const runs: CronRun[] = [];
  for (let pending = await cloud.redis.xlen(OUTBOX_KEY); pending > 0;) {
    const run = await runCron(cloud, worker);
    if (run.rows === 0) throw new Error(`A run of the cron delivered nothing, ${pending} are pending`);
    runs.push(run);
    pending -= run.rows;
    onRun(pending);
  }
  return runs;
}

/** Throws unless each planted event has become one row and nothing else has. */
export async function auditRows(cloud: LocalCloud, planted: PlantedEvents): Promise<void> {
  const tables = [
    ['login_activity', planted.logins],
    ['logout_activity', planted.logouts],
  ] as const;
  let checksum = 0;
  for (const [table, expected] of tables) {
    const rows = await readNumber(cloud, `SELECT COUNT(*) FROM ${table}`);
    if (rows !== expected) throw new Error(`${table} has ${rows} rows of ${expected} events`);
    // The primary key forbids a second row of one id; a session that is told of twice would be another event's copy.
    const sessions = await readNumber(cloud, `SELECT COUNT(DISTINCT session_id) FROM ${table}`);
    if (sessions !== expected) throw new Error(`${table} tells of ${sessions} sessions in ${expected} rows`);
    checksum += await readNumber(cloud, `SELECT COALESCE(SUM(CRC32(id)), 0) FROM ${table}`);
  }
  if (checksum !== planted.idChecksum) throw new Error('The rows have other ids than the events had');
  for (const key of [OUTBOX_KEY, SET_ASIDE_KEY]) {
    const left = await cloud.redis.xlen(key);
    if (left !== 0) throw new Error(`${left} events are left in ${key}`);
  }
}

export function sumOf(runs: readonly CronRun[]): CronRun {
  const sum = (field: keyof CronRun): number => runs.reduce((total, run) => total + run[field], 0);
  return {
    rows: sum('rows'),
    elapsedMs: sum('elapsedMs'),
    cpuMs: sum('cpuMs'),
    redisCommands: sum('redisCommands'),
    sqlStatements: sum('sqlStatements'),
    redisMs: sum('redisMs'),
    mysqlMs: sum('mysqlMs'),
  };
}
