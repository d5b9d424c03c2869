import type { CallContent, StoreName } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';

/** One way in which a store can fail, and what becomes of a request that needs this store. */
export interface Outage {
  readonly name: string;
  /** `out`: the request fails. `survived`: it succeeds, as without a fault. */
  readonly outcome: 'out' | 'survived';
  /** The store may have carried out, or may still carry out, calls that it never replied to. */
  readonly mayBeDone?: true;
  /** Requests are sent one after the other, and the fault begins anew for each. */
  readonly oneByOne?: true;
  begin(cloud: CloudProxy, store: StoreName): void | Promise<void>;
  end(cloud: CloudProxy, store: StoreName): void | Promise<void>;
}

/** Longer than the Worker waits for a store: it has given up by then. */
const LATE_MS = 2500;
/** Much shorter than the Worker waits. */
const SLOW_MS = 300;
/** A store that hangs recovers after this time, before the Worker gives up. */
const RECOVERS_AFTER_MS = 500;

const HTML = { body: '<html><h1>Bad gateway</h1></html>', contentType: 'text/html' } as const;

/** Not a call that delivers rows in the background: it would change which of the request's calls is the nth. */
const isForeground = (call: CallContent): boolean =>
  call.store === 'redis'
    ? call.commands.every(([name]) => name?.toUpperCase() !== 'XDEL')
    : !/^INSERT|last_login_at/.test(call.sql);

const fault = (
  name: string,
  effect: Fault,
  options: Pick<Outage, 'outcome'> & Partial<Outage> = { outcome: 'out' },
): Outage => ({
  name,
  begin: (cloud, store) => cloud.faults.set(store, { ...effect }),
  end: (cloud, store) => cloud.faults.clear(store),
  ...options,
});

const closedPort: Outage = {
  name: 'is refused: its port is closed',
  outcome: 'out',
  begin: (cloud, store) => cloud.close(store),
  end: (cloud, store) => cloud.reopen(store),
};

export const OUTAGES: readonly Outage[] = [
  closedPort,
  fault('hangs', { kind: 'hang' }),
  fault('responds with 500 in JSON', { kind: 'status', status: 500 }),
  fault('responds with 503 in HTML', { kind: 'status', status: 503, ...HTML }),
  fault('responds with 200 and a page', { kind: 'status', status: 200, ...HTML }),
  fault('responds with 200 and foreign JSON', { kind: 'status', status: 200, body: '{"message":"OK"}' }),
  fault(
    'carries out each call and loses the reply',
    { kind: 'lose-answer' },
    { outcome: 'out', mayBeDone: true },
  ),
  fault(
    'carries out each call after the Worker gave up',
    { kind: 'late', ms: LATE_MS },
    { outcome: 'out', mayBeDone: true },
  ),
  fault('is slow', { kind: 'delay', ms: SLOW_MS }, { outcome: 'survived' }),
  fault(
    'loses every 2nd reply',
    { kind: 'lose-answer', everyNth: 2, match: isForeground },
    { outcome: 'survived', oneByOne: true },
  ),
  fault(
    'breaks every 3rd call',
    { kind: 'refuse', everyNth: 3, match: isForeground },
    { outcome: 'survived', oneByOne: true },
  ),
  fault(
    'hangs and recovers before the time-out',
    { kind: 'hang' },
    {
      outcome: 'survived',
      begin: (cloud, store) => {
        cloud.faults.set(store, { kind: 'hang' });
        setTimeout(() => cloud.faults.clear(store), RECOVERS_AFTER_MS);
      },
    },
  ),
];
