/** The two stores, as they are named in logs and `/readyz`. */
export type StoreName = 'redis' | 'database';

/**
 * Time for one wait on a store, repetitions included. A sign-in has two waits and a bcrypt (1.6 s at cost 14)
 * between them, and every answer is due within 5 s.
 */
export const STORE_WAIT_MS = 1500;
/** All waits of a request together, with the CPU of two bcrypts of the configured cost: below 5 s. */
const ANSWER_MS = 4700;
/** CPU of one bcrypt of cost 10, in ms, on a slow machine; each further step of the cost doubles it. */
const BCRYPT_COST_10_MS = 105;
/** What a request may spend waiting for stores. It is counted in waits, as the clock of a Worker stands still while CPU runs. */
export const storeBudgetMs = (bcryptRounds: number): number =>
  ANSWER_MS - 2 * BCRYPT_COST_10_MS * 2 ** (bcryptRounds - 10);
/** Time for one call behind the answer, where nobody waits; `waitUntil` allows 30 s in all. */
export const BACKGROUND_STORE_WAIT_MS = 8000;
/** Tries within one wait: the first, and what a broken connection or a passing 5xx is worth. */
const MAX_TRIES = 3;
/** Pause before try number i + 1. */
const BACKOFF_MS = [20, 80] as const;

/** What went wrong, in our words: the vendor's text holds commands, SQL and addresses. */
export type StoreFault = 'timeout' | 'unreachable' | 'refused' | 'protocol';

/**
 * The store did not give an answer in time. It may still have done, or yet do, what it was asked.
 * The caller answers 503 and keeps the cookie; it never reads this as "signed out".
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly store: StoreName;
  readonly fault: StoreFault;
  constructor(store: StoreName, fault: StoreFault) {
    super(`${store}: ${fault}`);
    this.store = store;
    this.fault = fault;
  }
}

/** Receives each wait on a store, for the request's log line, and says how long it may still wait. */
export interface Trace {
  /** Times in Unix ms. */
  storeWait(store: StoreName, startedAtMs: number, endedAtMs: number): void;
  /** The request waited this long, in ms, for its turn to use the CPU. */
  turnWait?(ms: number): void;
  /** The wait ended without an answer. */
  storeFault?(store: StoreName, fault: StoreFault): void;
  /** What is left of the time that this request may spend on stores, in ms. */
  leftMs(): number;
}
export const NO_TRACE: Trace = { storeWait: () => undefined, leftMs: () => Number.POSITIVE_INFINITY };

export interface StoreCallOptions {
  readonly store: StoreName;
  readonly trace: Trace;
  /** Time allowed for all tries together, in ms; less where the request has less left. */
  readonly timeoutMs: number;
  /** Sorts what the client threw; `final` faults are not tried again. */
  readonly classify: (error: unknown) => { readonly fault: StoreFault; readonly final: boolean } | 'rethrow';
}

/**
 * Runs one command with a time-out over all its tries. Every command sent through here is safe to repeat. `signal`
 * is there for those that are better broken off than carried out late; it is made when asked for, as it has its cost.
 * Throws `StoreUnavailableError`, or, where `classify` says so, what the client threw.
 */
export async function callStore<T>(
  options: StoreCallOptions,
  command: (signal: () => AbortSignal) => Promise<T>,
): Promise<T> {
  const { store, trace, timeoutMs, classify } = options;
  const startedAtMs = Date.now();
  let giveUp: AbortController | undefined;
  const signal = (): AbortSignal => (giveUp ??= new AbortController()).signal;
  let isOver = false;
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  // A timer that is cleared: `AbortSignal.timeout` would lie in memory until its time, long after the answer.
  const timer = setTimeout(
    () => {
      isOver = true;
      reject(new StoreUnavailableError(store, 'timeout'));
      giveUp?.abort();
    },
    Math.max(0, Math.min(timeoutMs, trace.leftMs())),
  );
  // Without this a time-out that nobody awaits any more would count as an unhandled rejection.
  timedOut.catch(() => undefined);
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await Promise.race([command(signal), timedOut]);
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error;
        if (isOver) throw new StoreUnavailableError(store, 'timeout');
        const verdict = classify(error);
        if (verdict === 'rethrow') throw error;
        if (verdict.final || attempt === MAX_TRIES) throw new StoreUnavailableError(store, verdict.fault);
        const pauseMs = BACKOFF_MS[attempt - 1] ?? 0;
        await Promise.race([new Promise((resolve) => setTimeout(resolve, pauseMs)), timedOut]);
      }
    }
  } catch (error) {
    if (error instanceof StoreUnavailableError) trace.storeFault?.(store, error.fault);
    throw error;
  } finally {
    clearTimeout(timer);
    trace.storeWait(store, startedAtMs, Date.now());
  }
}
