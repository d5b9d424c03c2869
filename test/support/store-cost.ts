import { countWaits, type Waits } from '../../tools/local-cloud/calls.ts';
import { nowMs } from '../../tools/local-cloud/clock.ts';
import type { Stage } from './stage.ts';

/** Makes each wait long enough to be told from the work around it, and keeps work behind the answer behind it. */
const STORE_DELAY_MS = 100;

/** The whole cost of a session check. */
export const ONE_REDIS_COMMAND: Waits = { waits: 1, calls: 1, redisCommands: 1, sqlStatements: 0 };

/** What an answer had to wait for: runs the request while both stores are slow and nothing else is under way. */
export async function storeCost<T>(
  { cloud, worker }: Stage,
  ask: () => Promise<T>,
): Promise<{ cost: Waits; answer: T }> {
  // What earlier requests still do behind their answers is not this one's.
  await worker.delivered();
  await cloud.settled();
  for (const store of ['redis', 'mysql'] as const)
    cloud.faults.set(store, { kind: 'delay', ms: STORE_DELAY_MS });
  cloud.calls.length = 0;
  const fromMs = nowMs();
  const answer = await ask();
  const untilMs = nowMs();
  const cost = countWaits(cloud.calls, fromMs, untilMs);
  cloud.faults.clear();
  return { cost, answer };
}
