import { ATTEMPTS_KEY, OUTBOX_KEY } from '../../src/activity/redis-outbox.ts';
import type { StoreCost } from '../../tools/bench/measure.ts';
import { countCalls, type Call } from '../../tools/local-cloud/calls.ts';
import { nowMs } from '../../tools/local-cloud/clock.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { ORIGIN } from './visitor.ts';
import { BACKGROUND_DEADLINE_MS, type TestWorker } from './worker.ts';

/**
 * After this many round trips through the Worker without a new call to a store, no call will come by itself. Not a time:
 * on a busy machine both take longer.
 */
const IDLE_ROUND_TRIPS = 8;

export interface MeasuredEnvironment {
  readonly cloud: CloudProxy;
  /** Reaches the isolate that handles the request. */
  readonly worker: Pick<TestWorker, 'fetch'>;
}

export interface MeasuredResponse<T> {
  readonly answer: T;
  readonly cost: StoreCost;
  /** All calls, those in the background included. */
  readonly calls: readonly Call[];
}

/**
 * Counts the calls to the stores until the response, and until all background work is done.
 *
 * The stores take turns with the Worker: they hold its calls until no more come, then reply to all of them at once. So
 * the calls of one turn are one round trip, however busy the machine is, and background calls come after the response or
 * always during the same round trip. `inBackground` waits for background work that pauses in between.
 */
export async function storeCost<T>(
  environment: MeasuredEnvironment,
  ask: () => Promise<T>,
  inBackground: () => Promise<unknown> = () => Promise.resolve(),
): Promise<MeasuredResponse<T>> {
  const { cloud } = environment;
  // Background work of earlier requests doesn't count.
  await allDone(environment);
  cloud.calls.length = 0;
  try {
    const { answer, lastTurnMs } = await inTurns(environment, ask);
    cloud.faults.clear();
    await inBackground();
    await allDone(environment);
    const calls = [...cloud.calls];
    const beforeResponse = calls.filter(({ startedAtMs }) => startedAtMs <= lastTurnMs);
    return { answer, calls, cost: { before: countAll(beforeResponse), all: countAll(calls) } };
  } finally {
    cloud.faults.clear();
  }
}

const countAll = (calls: readonly Call[]) => countCalls(calls, -Infinity, Infinity);

/** Lets the stores reply turn by turn until the request has its response. Returns when their last turn began. */
async function inTurns<T>(
  { cloud, worker }: MeasuredEnvironment,
  ask: () => Promise<T>,
): Promise<{ answer: T; lastTurnMs: number }> {
  let arrived = 0;
  let released = 0;
  const hold = (): void => {
    const match = (): boolean => (arrived += 1) > 0;
    // What the previous fault held is carried out now.
    for (const store of ['redis', 'mysql'] as const) cloud.faults.set(store, { kind: 'hang', match });
  };
  hold();
  let hasResponse = false;
  const asking = ask().finally(() => (hasResponse = true));
  // A failure is thrown below, where it is awaited.
  asking.catch(() => undefined);
  let lastTurnMs = -Infinity;
  for (let idleFor = 0; !hasResponse;) {
    const seen = arrived;
    await roundTrip(worker);
    // While a store is working, the Worker waits for it and is not idle.
    idleFor = arrived === seen && cloud.calls.length >= released ? idleFor + 1 : 0;
    if (hasResponse || idleFor < IDLE_ROUND_TRIPS || arrived === released) continue;
    idleFor = 0;
    released = arrived;
    lastTurnMs = nowMs();
    hold();
  }
  return { answer: await asking, lastTurnMs };
}

async function roundTrip(worker: MeasuredEnvironment['worker']): Promise<void> {
  await (await worker.fetch(`${ORIGIN}/healthz`)).text();
}

/** Waits until no background work is left. */
async function allDone({ cloud, worker }: MeasuredEnvironment): Promise<void> {
  const deadlineMs = nowMs() + BACKGROUND_DEADLINE_MS;
  for (let idleFor = 0; idleFor < IDLE_ROUND_TRIPS;) {
    const seen = cloud.calls.length;
    await roundTrip(worker);
    await cloud.settled();
    const pending = (await cloud.redis.xlen(OUTBOX_KEY)) + (await cloud.redis.xlen(ATTEMPTS_KEY));
    idleFor = pending === 0 && cloud.calls.length === seen ? idleFor + 1 : 0;
    if (nowMs() > deadlineMs) throw new Error(`${pending} events are still pending after the deadline`);
  }
}
