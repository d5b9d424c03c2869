import type { CloudProxy } from '../local-cloud/proxy.ts';
import { hashPassword } from '../../src/auth/password.ts';
import { auditAll, settle } from './audit.ts';
import { SoakClient, type SoakUser } from './client.ts';
import type { SoakWorker } from './http.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import { Turnstile } from './turnstile.ts';
import { countStrikes, showers, storms, type Weather } from './weather.ts';

export interface SoakOptions {
  /** With the tables of schema.sql, and nobody else's sessions. */
  readonly cloud: CloudProxy;
  /** Its MAX_SESSIONS_PER_USER is SOAK_SESSIONS_PER_USER. */
  readonly worker: SoakWorker;
  readonly seconds: number;
  readonly clients: number;
  readonly seed: number;
}

/** Few, so that the limit is met. */
export const SOAK_SESSIONS_PER_USER = 5;

const CLIENTS_PER_USER = 2;
const CRON_INTERVAL_MS = 1500;
/** There is one isolate, and it does one bcrypt after the other: a longer queue would be measured as slow answers. */
const SIGN_INS_AT_ONCE = 3;
const PASSWORD = 'correct horse battery staple';

/** Parallel clients under random faults, then calm, then an audit. The ledger holds the counts and the breaches. */
export async function runSoak({ cloud, worker, seconds, clients, seed }: SoakOptions): Promise<Ledger> {
  const random = new Random(seed);
  const ledger = new Ledger();
  const users = await addUsers(cloud, Math.ceil(clients / CLIENTS_PER_USER));
  const weather: Weather = { cloud, ledger, random: random.fork(0), isMysqlOut: false, isOver: false };
  const signIns = new Turnstile(SIGN_INS_AT_ONCE);
  const totalMs = seconds * 1000;
  const endAtMs = Date.now() + totalMs;

  const client = async (number: number): Promise<void> => {
    const own = random.fork(number + 1);
    const ipAddress = `198.18.${number >> 8}.${number & 255}`;
    const user = users[Math.floor(number / CLIENTS_PER_USER)]!;
    const person = new SoakClient({ worker, cloud, ledger, random: own, user, ipAddress, signIns });
    while (Date.now() < endAtMs) await person.step();
  };
  const cron = async (): Promise<void> => {
    while (Date.now() < endAtMs) {
      await worker.scheduled();
      ledger.count('runs of the cron');
      countStrikes(weather);
      await new Promise((resolve) => setTimeout(resolve, CRON_INTERVAL_MS));
    }
  };
  const sky = Promise.all([showers(weather), storms(weather, totalMs), cron()]);
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  weather.isOver = true;
  await sky;
  cloud.faults.clear();
  countStrikes(weather);

  const audit = { worker, cloud, ledger };
  await settle(audit);
  await auditAll(audit);
  for (const line of worker.logs) {
    if (/"internal_error"|uncaught/.test(line)) ledger.breach(`logged: ${line.slice(0, 300)}`);
  }
  return ledger;
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
