import { ABANDON, END, END_OTHERS, REFRESH, RENEW, REVOKE, START } from '../../src/session/scripts.ts';
import type { CallContent, StoreName } from '../local-cloud/calls.ts';
import type { FaultEffect } from '../local-cloud/faults.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

const HTML = { body: '<html><h1>Bad gateway</h1></html>', contentType: 'text/html' } as const;

/** Longest of the short faults. A hang of this length outlasts what an answer waits for. */
const LONG_FAULT_MS = 2200;
const DOUBT_MS = 800;

/** What outages look like. */
function pickEffect(random: Random): FaultEffect | 'close' {
  return random.pick<() => FaultEffect | 'close'>([
    () => 'close',
    () => ({ kind: 'refuse' }),
    () => ({ kind: 'hang' }),
    () => ({ kind: 'status', status: 500 }),
    () => ({ kind: 'status', status: 503, ...HTML }),
    () => ({ kind: 'status', status: 429 }),
    () => ({ kind: 'status', status: 200, ...HTML }),
    () => ({ kind: 'status', status: 200, body: '{"message":"OK"}' }),
    () => ({ kind: 'delay', ms: random.between(20, 400) }),
    () => ({ kind: 'lose-answer' }),
    () => ({ kind: 'late', ms: random.between(200, 2600) }),
  ])();
}

const SCRIPTS = [START, ABANDON, REFRESH, END, REVOKE, RENEW, END_OTHERS];

/**
 * What begins and ends sessions. Where this alone fails, the rest of a sign-in goes through: it is in doubt whether
 * there is a session then, and somebody must clean up.
 */
const isBeginningOrEnd = (call: CallContent): boolean =>
  call.store === 'redis' &&
  call.commands.some(([name, script = '']) => name?.toUpperCase() === 'EVAL' && SCRIPTS.includes(script));

export interface Weather {
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Set while MySQL is out for long. */
  isMysqlOut: boolean;
  isOver: boolean;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Short faults, now of one store and now of the other, until it is over. */
export async function showers(weather: Weather): Promise<void> {
  const { cloud, random, ledger } = weather;
  while (!weather.isOver) {
    await sleep(random.between(150, 900));
    const isDoubt = random.chance(0.2);
    const store: StoreName = isDoubt || random.chance(0.4) ? 'redis' : 'mysql';
    const effect = pickEffect(random);
    const lastsMs = random.chance(0.1) ? LONG_FAULT_MS : random.between(50, 500);
    const everyNth = random.chance(0.6) ? 1 : random.between(2, 3);
    if (weather.isOver || (store === 'mysql' && weather.isMysqlOut)) continue;
    if (isDoubt) {
      const doubt: FaultEffect = random.chance(0.5) ? { kind: 'lose-answer' } : { kind: 'late', ms: 2000 };
      cloud.faults.set('redis', { ...doubt, everyNth, match: isBeginningOrEnd });
      await sleep(DOUBT_MS);
      cloud.faults.clear('redis');
      continue;
    }
    if (effect === 'close') {
      ledger.count(`faults: ${store} port closed`);
      await cloud.close(store);
      await sleep(lastsMs);
      await cloud.reopen(store);
      continue;
    }
    cloud.faults.set(store, { ...effect, everyNth });
    await sleep(lastsMs);
    if (store === 'redis' || !weather.isMysqlOut) cloud.faults.clear(store);
  }
}

/** Two long outages of MySQL, each an eighth of the time: once it hangs, once its port is closed. */
export async function storms(weather: Weather, totalMs: number): Promise<void> {
  const { cloud, ledger } = weather;
  const eighth = totalMs / 8;
  await sleep(2 * eighth);
  weather.isMysqlOut = true;
  cloud.faults.set('mysql', { kind: 'hang' });
  await sleep(eighth);
  cloud.faults.clear('mysql');
  weather.isMysqlOut = false;
  await sleep(2 * eighth);
  weather.isMysqlOut = true;
  await cloud.close('mysql');
  await sleep(eighth);
  await cloud.reopen('mysql');
  weather.isMysqlOut = false;
  ledger.count('long outages of MySQL', 2);
}

/** Counts the calls that a fault struck, and forgets them: the log of calls would grow for ever. */
export function countStrikes({ cloud, ledger }: Pick<Weather, 'cloud' | 'ledger'>): void {
  for (const { store, fault } of cloud.calls.splice(0)) {
    ledger.count(`calls to ${store}`);
    if (fault !== null) ledger.count(`faults: ${store} ${fault}`);
  }
}
