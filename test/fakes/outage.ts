import { storeUnavailable, type StoreFault, type StoreName } from '../../src/errors.ts';

type Mode =
  /** Nothing is done, and the caller is told after its tries. */
  | { readonly kind: 'refuse'; readonly fault: StoreFault }
  /** It is done, and no answer ever comes. */
  | { readonly kind: 'lose-replies' };

/** Takes the fakes of a store out of service, as an outage of the real one looks to its callers. */
export class Outage {
  readonly #modes = new Map<StoreName, Mode>();
  /** Calls so far, struck by an outage or not. */
  readonly calls: Record<StoreName, number> = { redis: 0, database: 0 };

  refuse(store: StoreName, fault: StoreFault = 'unreachable'): void {
    this.#modes.set(store, { kind: 'refuse', fault });
  }

  loseReplies(store: StoreName): void {
    this.#modes.set(store, { kind: 'lose-replies' });
  }

  /** Puts one store, or both, back into service. */
  heal(store?: StoreName): void {
    if (store === undefined) this.#modes.clear();
    else this.#modes.delete(store);
  }

  /** Does one command of a fake. It is atomic: `work` does not wait for anything. */
  async during<T>(store: StoreName, work: () => T): Promise<T> {
    this.calls[store] += 1;
    const mode = this.#modes.get(store);
    if (mode?.kind === 'refuse') throw storeUnavailable(store, mode.fault);
    const answer = work();
    if (mode?.kind === 'lose-replies') throw storeUnavailable(store, 'timeout');
    return answer;
  }
}

/** What a rejection matches when a store didn't reply. */
export const STORE_UNAVAILABLE = { name: 'ServiceError', reason: { code: 'store_unavailable' } };
