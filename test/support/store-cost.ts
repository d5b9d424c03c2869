import type { StoreCost } from '../../tools/bench/measure.ts';
import { countCalls, type Call } from '../../tools/local-cloud/calls.ts';
import { nowMs } from '../../tools/local-cloud/clock.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { ORIGIN } from './visitor.ts';
import { BACKGROUND_DEADLINE_MS, type TestWorker } from './worker.ts';

/**
 * So many round trips through the Worker without a new call to a store, and none is to come before something else
 * happens. Not a time: on a busy machine a round trip takes the longer, as does the Worker's way to a store.
 */
const IDLE_ROUND_TRIPS = 8;

export interface CostStage {
  readonly cloud: CloudProxy;
  /** Reaches the isolate that is asked. */
  readonly worker: Pick<TestWorker, 'fetch'>;
}

export interface MeasuredAnswer<T> {
  readonly answer: T;
  readonly cost: StoreCost;
  /** All calls, those behind the answer too. */
  readonly calls: readonly Call[];
}

/**
 * What was asked of the stores until the answer, and until all work behind it was done.
 *
 * The stores take turns with the Worker: they hold what it asks until it asks no more, then answer all of it at once.
 * So calls of one turn are one wait, whatever the machine does meanwhile, and what is asked behind the answer is done
 * after it, or beside a wait of the answer's, always the same one. `behind` waits for work behind the answer that
 * pauses in between.
 */
export async function storeCost<T>(
  stage: CostStage,
  ask: () => Promise<T>,
  behind: () => Promise<unknown> = () => Promise.resolve(),
): Promise<MeasuredAnswer<T>> {
  const { cloud } = stage;
  // What earlier requests still do behind their answers is not this one's.
  await allDone(stage);
  cloud.calls.length = 0;
  try {
    const { answer, lastTurnMs } = await inTurns(stage, ask);
    cloud.faults.clear();
    await behind();
    await allDone(stage);
    const calls = [...cloud.calls];
    const answered = calls.filter(({ startedAtMs }) => startedAtMs <= lastTurnMs);
    return { answer, calls, cost: { before: countAll(answered), all: countAll(calls) } };
  } finally {
    cloud.faults.clear();
  }
}

const countAll = (calls: readonly Call[]) => countCalls(calls, -Infinity, Infinity);

/** Answers turn by turn until there is the answer to the request, and says when the stores' last turn began. */
async function inTurns<T>(
  { cloud, worker }: CostStage,
  ask: () => Promise<T>,
): Promise<{ answer: T; lastTurnMs: number }> {
  let arrived = 0;
  let released = 0;
  const hold = (): void => {
    const match = (): boolean => (arrived += 1) > 0;
    // What the fault before held is carried out now.
    for (const store of ['redis', 'mysql'] as const) cloud.faults.set(store, { kind: 'hang', match });
  };
  hold();
  let isAnswered = false;
  const asking = ask().finally(() => (isAnswered = true));
  // Its failure is told below; until then nobody looks.
  asking.catch(() => undefined);
  let lastTurnMs = -Infinity;
  for (let idleFor = 0; !isAnswered;) {
    const seen = arrived;
    await roundTrip(worker);
    // While a store is at work the Worker waits for it, and is not idle.
    idleFor = arrived === seen && cloud.calls.length >= released ? idleFor + 1 : 0;
    if (isAnswered || idleFor < IDLE_ROUND_TRIPS || arrived === released) continue;
    idleFor = 0;
    released = arrived;
    lastTurnMs = nowMs();
    hold();
  }
  return { answer: await asking, lastTurnMs };
}

async function roundTrip(worker: CostStage['worker']): Promise<void> {
  await (await worker.fetch(`${ORIGIN}/healthz`)).text();
}

/** CallCounts until nothing is done behind any answer. */
async function allDone({ cloud, worker }: CostStage): Promise<void> {
  const deadlineMs = nowMs() + BACKGROUND_DEADLINE_MS;
  for (let idleFor = 0; idleFor < IDLE_ROUND_TRIPS;) {
    const seen = cloud.calls.length;
    await roundTrip(worker);
    await cloud.settled();
    const pending = await cloud.redis.xlen('outbox:pending');
    idleFor = pending === 0 && cloud.calls.length === seen ? idleFor + 1 : 0;
    if (nowMs() > deadlineMs) throw new Error(`Behind answers, ${pending} events are still pending`);
  }
}
