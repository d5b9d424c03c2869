import { hashPassword } from '../../../src/auth/password.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { act, anyAction, type ActionChoice } from './actions.ts';
import { auditAll, settle } from './audit.ts';
import { makeChoices } from './choices.ts';
import { SoakClient, type SoakUser } from './client.ts';
import type { SoakWorker } from './http.ts';
import { countCalls, injectLongOutages, injectShortOutages, type Outages } from './inject-faults.ts';
import { Ledger } from './ledger.ts';
import { anyShortOutage } from './short-outages.ts';

export interface SoakOptions {
  /** With the tables of schema.sql and without sessions. */
  readonly cloud: CloudProxy;
  /** Its MAX_SESSIONS_PER_USER is SOAK_SESSIONS_PER_USER. */
  readonly worker: SoakWorker;
  readonly seconds: number;
  readonly clients: number;
  readonly seed: number;
}

/** Few, so that the limit is reached. */
export const SOAK_SESSIONS_PER_USER = 5;

const CLIENTS_PER_USER = 2;
const CRON_INTERVAL_MS = 1500;
/** There is one isolate, and it runs one bcrypt after the other: more at once would be measured as slow responses. */
const SIGN_INS_AT_ONCE = 3;
const PASSWORD = 'correct horse battery staple';

/** Parallel clients under random faults, then an audit without faults. Returns the counts and the violations. */
export async function runSoak({ cloud, worker, seconds, clients, seed }: SoakOptions): Promise<Ledger> {
  const ledger = new Ledger();
  const users = await addUsers(cloud, Math.ceil(clients / CLIENTS_PER_USER));
  const outages: Outages = { cloud, ledger, isMysqlOut: false, isOver: false };
  const signInQueues = Array.from({ length: SIGN_INS_AT_ONCE }, queue);
  const totalMs = seconds * 1000;
  const endAtMs = Date.now() + totalMs;

  const [chooseOutage] = makeChoices(anyShortOutage, seed, 1);
  const actions = makeChoices(anyAction, seed, clients);

  const runClient = async (chooseAction: () => ActionChoice, number: number): Promise<void> => {
    const ipAddress = `198.18.${number >> 8}.${number & 255}`;
    const user = users[Math.floor(number / CLIENTS_PER_USER)]!;
    const client = new SoakClient({ worker, cloud, ledger, user, ipAddress });
    const queueSignIn = signInQueues[number % SIGN_INS_AT_ONCE]!;
    while (Date.now() < endAtMs) await act(client, chooseAction, queueSignIn);
  };
  const runCron = async (): Promise<void> => {
    while (Date.now() < endAtMs) {
      await worker.scheduled();
      ledger.count('runs of the cron');
      countCalls(outages);
      await new Promise((resolve) => setTimeout(resolve, CRON_INTERVAL_MS));
    }
  };
  const background = Promise.all([
    injectShortOutages(outages, chooseOutage!),
    injectLongOutages(outages, totalMs),
    runCron(),
  ]);
  await Promise.all(actions.map(runClient));
  outages.isOver = true;
  await background;
  cloud.faults.clear();
  countCalls(outages);

  const audit = { worker, cloud, ledger };
  await settle(audit);
  await auditAll(audit);
  for (const line of worker.logs) {
    if (/"internal_error"|uncaught/.test(line)) ledger.violation(`logged: ${line.slice(0, 300)}`);
  }
  return ledger;
}

/** Runs each work after the previous one. */
function queue(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve();
  return (work) => (last = last.then(work));
}

async function addUsers(cloud: CloudProxy, count: number): Promise<SoakUser[]> {
  const hash = await hashPassword(PASSWORD, 10);
  const users: SoakUser[] = [];
  for (let number = 0; number < count; number += 1) {
    const username = `soak-${number}`;
    await cloud.query('INSERT INTO users (username, password_hash) VALUES (?, ?)', [username, hash]);
    const [row] = await cloud.query('SELECT id FROM users WHERE username = ?', [username]);
    users.push({ id: String(row?.['id']), username, password: PASSWORD });
  }
  return users;
}
