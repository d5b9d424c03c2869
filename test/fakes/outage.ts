import { storeUnavailable, type StoreFault, type StoreName } from '../../src/errors.ts';

type Mode =
  /** The command is not carried out, and the call fails. */
  | { readonly kind: 'refuse'; readonly fault: StoreFault }
  /** The command is carried out, but its reply is lost. */
  | { readonly kind: 'lose-replies' };

/** Makes the fakes of a store fail as an outage of the real one does. */
export class Outage {
  readonly #modes = new Map<StoreName, Mode>();
  /** Calls so far, failed ones included. */
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

  /** Carries out one command of a fake, which is atomic, as `work` is synchronous. */
  async during<T>(store: StoreName, work: () => T): Promise<T> {
    this.calls[store] += 1;
    const mode = this.#modes.get(store);
    if (mode?.kind === 'refuse') throw storeUnavailable(store, mode.fault);
    const result = work();
    if (mode?.kind === 'lose-replies') throw storeUnavailable(store, 'timeout');
    return result;
  }
}

/** What a rejection matches when a store didn't reply. */
export const STORE_UNAVAILABLE = { name: 'ServiceError', reason: { code: 'store_unavailable' } };
