import type { CallContent, StoreName } from './calls.ts';

/** Which requests a fault is injected into; all requests to its store without these. */
export interface FaultScope {
  /** Only the nth, the 2nth ... of the matching requests. */
  everyNth?: number;
  /** The fault stops after so many injections. */
  times?: number;
  match?: (call: CallContent) => boolean;
}

export type FaultEffect =
  /** The connection breaks without a response; nothing is done. */
  | { kind: 'refuse' }
  /** No response. If the fault is cleared while the client still waits, the request is carried out after all. */
  | { kind: 'hang' }
  /** This response instead of the work; the body is `{"error":"..."}` as JSON by default. */
  | { kind: 'status'; status: number; body?: string; contentType?: string }
  /** The work and the response, later; nothing is done for a client that has gone by then. */
  | { kind: 'delay'; ms: number }
  /** The work is done at once, and the connection breaks instead of the response. */
  | { kind: 'lose-answer' }
  /** The work is done later, even for a client that has gone; the connection breaks instead of the response. */
  | { kind: 'late'; ms: number };

export type Fault = FaultEffect & FaultScope;

/** A fault injected into one request, and the signal that it was cleared or replaced. */
export interface InjectedFault {
  fault: Fault;
  cleared: AbortSignal;
}

interface ActiveFault {
  fault: Fault;
  matched: number;
  injected: number;
  clearing: AbortController;
}

/** The faults that are active: at most one per store. */
export class Faults {
  readonly #active = new Map<StoreName, ActiveFault>();

  /** Activates a fault in place of the store's present one. */
  set(store: StoreName, fault: Fault): void {
    this.clear(store);
    this.#active.set(store, { fault, matched: 0, injected: 0, clearing: new AbortController() });
  }

  /** Clears the fault of one store, or of both. */
  clear(store?: StoreName): void {
    for (const each of store === undefined ? [...this.#active.keys()] : [store]) {
      this.#active.get(each)?.clearing.abort();
      this.#active.delete(each);
    }
  }

  /** The fault to inject into this request, which counts it; null for none. */
  next(call: CallContent): InjectedFault | null {
    const active = this.#active.get(call.store);
    if (active === undefined || active.fault.match?.(call) === false) return null;
    active.matched += 1;
    if (active.matched % (active.fault.everyNth ?? 1) !== 0) return null;
    active.injected += 1;
    // Requests that it hangs go on hanging until it is cleared or replaced.
    if (active.injected > (active.fault.times ?? Infinity)) return null;
    return { fault: active.fault, cleared: active.clearing.signal };
  }
}
