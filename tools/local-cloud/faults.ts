import type { CallContent, StoreName } from './calls.ts';

/** Which requests a fault strikes; every request of its store without these. */
export interface FaultScope {
  /** Strikes the nth, the 2nth ... of the matching requests only. */
  everyNth?: number;
  /** Ends by itself after so many strikes. */
  times?: number;
  match?: (call: CallContent) => boolean;
}

export type FaultEffect =
  /** The connection breaks without an answer; nothing is done. */
  | { kind: 'refuse' }
  /** No answer. Where the fault is cleared while the client still waits, the request is carried out after all. */
  | { kind: 'hang' }
  /** This answer instead of the work; the body is `{"error":"..."}` as JSON by default. */
  | { kind: 'status'; status: number; body?: string; contentType?: string }
  /** The work and the answer, later; nothing is done for a client that has gone by then. */
  | { kind: 'delay'; ms: number }
  /** The work is done at once, and the connection breaks instead of the answer. */
  | { kind: 'lose-answer' }
  /** The work is done later, even for a client that has gone; the connection breaks instead of the answer. */
  | { kind: 'late'; ms: number };

export type Fault = FaultEffect & FaultScope;

interface Armed {
  fault: Fault;
  seen: number;
  struck: number;
  cleared: AbortController;
}

/** A fault that strikes one request, and the signal of its being cleared. */
export interface Strike {
  fault: Fault;
  cleared: AbortSignal;
}

/** The faults in force: at most one a store. */
export class Faults {
  readonly #armed = new Map<StoreName, Armed>();

  /** Puts a fault in force in place of the store's present one. */
  set(store: StoreName, fault: Fault): void {
    this.clear(store);
    this.#armed.set(store, { fault, seen: 0, struck: 0, cleared: new AbortController() });
  }

  /** Ends the fault of one store, or of both. */
  clear(store?: StoreName): void {
    for (const each of store === undefined ? [...this.#armed.keys()] : [store]) {
      this.#armed.get(each)?.cleared.abort();
      this.#armed.delete(each);
    }
  }

  /** The fault that strikes this request, counted as a strike; null for none. */
  take(call: CallContent): Strike | null {
    const armed = this.#armed.get(call.store);
    if (armed === undefined || armed.fault.match?.(call) === false) return null;
    armed.seen += 1;
    if (armed.seen % (armed.fault.everyNth ?? 1) !== 0) return null;
    armed.struck += 1;
    // It only stops striking: what it has struck already stays struck until it is cleared or replaced.
    if (armed.struck > (armed.fault.times ?? Infinity)) return null;
    return { fault: armed.fault, cleared: armed.cleared.signal };
  }
}
