import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import type { Ledger } from './ledger.ts';
import type { ShortOutage } from './short-outages.ts';

/** What the outages of one soak share. */
export interface Outages {
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  /** Set during a long outage of MySQL. */
  isMysqlOut: boolean;
  isOver: boolean;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One short outage after the other, until the soak is over. */
export async function injectShortOutages(outages: Outages, choose: () => ShortOutage): Promise<void> {
  const { cloud, ledger } = outages;
  while (!outages.isOver) {
    const { pauseMs, store, effect, lastsMs, scope } = choose();
    await sleep(pauseMs);
    if (outages.isOver || (store === 'mysql' && outages.isMysqlOut)) continue;
    if (effect.kind === 'close') {
      ledger.count(`faults: ${store} port closed`);
      await cloud.close(store);
      await sleep(lastsMs);
      await cloud.reopen(store);
    } else {
      cloud.faults.set(store, { ...effect, ...scope });
      await sleep(lastsMs);
      if (store === 'redis' || !outages.isMysqlOut) cloud.faults.clear(store);
    }
  }
}

/** Two long outages of MySQL, each an eighth of the time: first it hangs, later its port is closed. */
export async function injectLongOutages(outages: Outages, totalMs: number): Promise<void> {
  const { cloud, ledger } = outages;
  const eighth = totalMs / 8;
  await sleep(2 * eighth);
  outages.isMysqlOut = true;
  cloud.faults.set('mysql', { kind: 'hang' });
  await sleep(eighth);
  cloud.faults.clear('mysql');
  outages.isMysqlOut = false;
  await sleep(2 * eighth);
  outages.isMysqlOut = true;
  await cloud.close('mysql');
  await sleep(eighth);
  await cloud.reopen('mysql');
  outages.isMysqlOut = false;
  ledger.count('long outages of MySQL', 2);
}

/** Counts the finished calls and the faults injected into them, and removes them: the list would grow without end. */
export function countCalls({ cloud, ledger }: Pick<Outages, 'cloud' | 'ledger'>): void {
  for (const { store, fault } of cloud.calls.splice(0)) {
    ledger.count(`calls to ${store}`);
    if (fault !== null) ledger.count(`faults: ${store} ${fault}`);
  }
}
