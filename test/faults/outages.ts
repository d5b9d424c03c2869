import type { CallContent, StoreName } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';

/** One way in which a store can fail, and what a request that needs that store must come to. */
export interface Outage {
  readonly name: string;
  /** `out`: nothing can be answered that needs the store. `survived`: the request comes out as if nothing was. */
  readonly outcome: 'out' | 'survived';
  /** The store may have done, or may yet do, what it never gave an answer to. */
  readonly mayBeDone?: true;
  /** Requests are sent one after the other, each meeting the fault from its beginning. */
  readonly oneByOne?: true;
  begin(cloud: CloudProxy, store: StoreName): void | Promise<void>;
  end(cloud: CloudProxy, store: StoreName): void | Promise<void>;
}

/** How long the Worker waits for a store at most, and a bit: what comes later finds that it gave up. */
const LATE_MS = 2500;
/** Well below what the Worker waits. */
const SLOW_MS = 300;
/** A store that hangs is back after this time, before the Worker gives up. */
const BACK_AFTER_MS = 500;

const HTML = { body: '<html><h1>Bad gateway</h1></html>', contentType: 'text/html' } as const;

/**
 * Not what delivers rows behind an earlier answer: a call of that in between would decide which of this request's
 * calls is the nth.
 */
const isBeforeAnswer = (call: CallContent): boolean =>
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
  fault('answers 500 in JSON', { kind: 'status', status: 500 }),
  fault('answers 503 in HTML', { kind: 'status', status: 503, ...HTML }),
  fault('answers 200 with a page', { kind: 'status', status: 200, ...HTML }),
  fault('answers 200 with JSON of somebody else', { kind: 'status', status: 200, body: '{"message":"OK"}' }),
  fault('does its work and loses each answer', { kind: 'lose-answer' }, { outcome: 'out', mayBeDone: true }),
  fault(
    'does its work after the caller gave up',
    { kind: 'late', ms: LATE_MS },
    { outcome: 'out', mayBeDone: true },
  ),
  fault('is slow', { kind: 'delay', ms: SLOW_MS }, { outcome: 'survived' }),
  fault(
    'loses every 2nd answer',
    { kind: 'lose-answer', everyNth: 2, match: isBeforeAnswer },
    { outcome: 'survived', oneByOne: true },
  ),
  fault(
    'breaks every 3rd call',
    { kind: 'refuse', everyNth: 3, match: isBeforeAnswer },
    { outcome: 'survived', oneByOne: true },
  ),
  fault(
    'hangs, and comes back while it is waited for',
    { kind: 'hang' },
    {
      outcome: 'survived',
      begin: (cloud, store) => {
        cloud.faults.set(store, { kind: 'hang' });
        setTimeout(() => cloud.faults.clear(store), BACK_AFTER_MS);
      },
    },
  ),
];
