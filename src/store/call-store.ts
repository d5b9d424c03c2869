import {
  isStoreUnavailable,
  storeUnavailable,
  type StoreErrorCode,
  type StoreFault,
  type StoreName,
} from '../errors.ts';
import type { StoreTrace } from './store-trace.ts';

/**
 * Time for one call to a store, retries included. A sign-in makes two calls with a bcrypt (1.6 s at cost 14) between
 * them, and every response is due within 5 s.
 */
export const STORE_TIMEOUT_MS = 1500;
/** The same for work after the response, for which no client waits; `waitUntil` allows 30 s in all. */
export const BACKGROUND_STORE_TIMEOUT_MS = 8000;
const MAX_ATTEMPTS = 3;
/** Pause after each failed attempt but the last. */
const PAUSES_MS = [20, 80] as const;

/** All calls of a request together with the CPU of two bcrypts must stay below the 5 s of the contract. */
const RESPONSE_BUDGET_MS = 4700;
/** CPU of one bcrypt of cost 10 on a slow machine; each further step of the cost doubles it. */
const BCRYPT_COST_10_MS = 105;
/** How long a request may spend on its stores, in ms. Counted in calls: a Worker's clock stands still while CPU runs. */
export const storeBudgetMs = (bcryptRounds: number): number =>
  RESPONSE_BUDGET_MS - 2 * BCRYPT_COST_10_MS * 2 ** (bcryptRounds - 10);

/** What became of one attempt. */
export interface Verdict {
  readonly fault: StoreFault;
  /** Another attempt would fail as well. */
  readonly final: boolean;
  /** Thrown in the end, instead of `store_unavailable`. */
  readonly error?: Error;
  /** What the store said, as far as it may be known. */
  readonly said?: StoreErrorCode;
}

export interface StoreCall {
  readonly store: StoreName;
  readonly trace: StoreTrace;
  /** For all attempts together, in ms; less if the request has less left. */
  readonly timeoutMs: number;
  /** Sorts what the client threw. */
  readonly classify: (error: unknown) => Verdict;
}

/**
 * Sends one command to a store: up to three attempts within one time-out. So every command must be safe to repeat, and
 * safe if it is carried out after we gave up on it.
 *
 * @throws `store_unavailable`, or the error of the last verdict
 */
export async function callStore<T>(
  { store, trace, timeoutMs, classify }: StoreCall,
  send: () => Promise<T>,
): Promise<T> {
  const startedAtMs = Date.now();
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(storeUnavailable(store, 'timeout')),
    Math.max(0, Math.min(timeoutMs, trace.leftMs())),
  );
  // Unless it is awaited, a rejection counts as unhandled.
  timedOut.catch(() => undefined);
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await Promise.race([send(), timedOut]);
      } catch (error) {
        if (isStoreUnavailable(error)) throw error;
        const verdict = classify(error);
        if (verdict.final || attempt === MAX_ATTEMPTS)
          throw verdict.error ?? storeUnavailable(store, verdict.fault, undefined, verdict.said);
        const pauseMs = PAUSES_MS[attempt - 1] ?? 0;
        await Promise.race([new Promise((resolve) => setTimeout(resolve, pauseMs)), timedOut]);
      }
    }
  } catch (error) {
    if (isStoreUnavailable(error)) trace.reportFault(store, error.reason.fault);
    throw error;
  } finally {
    clearTimeout(timer);
    trace.addCall(startedAtMs, Date.now());
  }
}
