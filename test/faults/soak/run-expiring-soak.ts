import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { allOpenSessions } from '../store-state.ts';
import { auditEnds } from './audit-ends.ts';
import { makeChoices } from './choices.ts';
import type { ExpiringSession } from './expiring-session.ts';
import type { SoakWorker } from './http.ts';
import { countCalls, injectShortOutages, type Outages } from './inject-faults.ts';
import { Ledger } from './ledger.ts';
import { anyLife, live, type Lives } from './live.ts';
import { anyShortOutage } from './short-outages.ts';
import { StutteringCron } from './stuttering-cron.ts';

export interface ExpiringSoakOptions {
  /** With the tables of schema.sql and without sessions. */
  readonly cloud: CloudProxy;
  readonly worker: SoakWorker;
  /** How many sessions begin, or a few more: some begin in the place of others. */
  readonly count: number;
  /** In which they begin. */
  readonly seconds: number;
  readonly cronSeconds: number;
  /** The longest life of a session. */
  readonly maxLifeSeconds: number;
  /** How many times longer than in `runSoak`, whose cron runs all the time, the pauses between faults are. */
  readonly pauses: number;
  readonly seed: number;
}

export interface ExpiringSoak {
  readonly ledger: Ledger;
  /** How late the rows of expired sessions came, in ms, ascending. */
  readonly lateMs: readonly number[];
}

const COUNT_INTERVAL_MS = 500;
/** How long the last rows may take once nothing fails any more, besides three runs of the cron. */
const SETTLING_MS = 30_000;

/** Sessions of seconds under random faults and a cron that stutters, then an audit without faults. */
export async function runExpiringSoak(options: ExpiringSoakOptions): Promise<ExpiringSoak> {
  const { cloud, worker, count, seconds, cronSeconds, maxLifeSeconds, pauses, seed } = options;
  const ledger = new Ledger();
  const sessions = new Map<string, ExpiringSession>();
  const lives: Lives = { cloud, worker, ledger, sessions };
  const outages: Outages = { cloud, ledger, isMysqlOut: false, isOver: false };
  const [chooseOutage] = makeChoices(anyShortOutage, seed, 1);
  const [chooseLife] = makeChoices(anyLife(maxLifeSeconds), seed, 1);
  const cron = new StutteringCron(worker, ledger, cronSeconds * 1000);
  const faults = injectShortOutages(outages, () => {
    const outage = chooseOutage!();
    return { ...outage, pauseMs: outage.pauseMs * pauses };
  });
  const counting = setInterval(() => countCalls(outages), COUNT_INTERVAL_MS);

  const beganAtMs = Date.now();
  const all: Promise<void>[] = [];
  for (let number = 0; number < count; number += 1) {
    const pauseMs = beganAtMs + (number * seconds * 1000) / count - Date.now();
    if (pauseMs > 0) await sleep(pauseMs);
    all.push(
      live(lives, chooseLife!()).catch((error: unknown) =>
        ledger.violation(`a session threw ${String(error)}`),
      ),
    );
  }
  await Promise.all(all);
  await sleep(maxLifeSeconds * 1000);
  outages.isOver = true;
  await faults;
  cloud.faults.clear();
  cron.isSteady = true;
  await settle({ cloud, ledger, deadlineMs: Date.now() + SETTLING_MS + 3 * cronSeconds * 1000 });
  await cron.stop();
  await cloud.settled();
  clearInterval(counting);
  countCalls(outages);

  const lateMs = await auditEnds({ cloud, ledger, sessions, dueFromMs: (atMs) => cron.dueFromMs(atMs) });
  for (const line of worker.logs) {
    if (/"internal_error"|"activity_set_aside"|"background_failed".*"error":|uncaught/.test(line))
      ledger.violation(`logged: ${line.slice(0, 300)}`);
  }
  return { ledger, lateMs };
}

/** Waits until the cron has recorded each end. */
async function settle({
  cloud,
  ledger,
  deadlineMs,
}: {
  cloud: CloudProxy;
  ledger: Ledger;
  deadlineMs: number;
}): Promise<void> {
  for (;;) {
    const records = (await allOpenSessions(cloud)).length;
    const { pending } = await openCloudStores(cloud).outbox.status();
    if (records + pending === 0) return;
    if (Date.now() > deadlineMs) {
      return ledger.violation(`${records} sessions are left, and ${pending} events are in the outbox`);
    }
    await sleep(COUNT_INTERVAL_MS);
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
