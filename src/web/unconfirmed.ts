import { RequestError } from '../errors.ts';
import { StoreUnavailableError } from '../store/store-call.ts';

/** An outage in the middle of a sign-out: whoever asked must know that the session may still be open. */
export async function unlessUnconfirmed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new RequestError({ code: 'store_unavailable', store: error.store, unconfirmed: 'sign_out' });
  }
}
