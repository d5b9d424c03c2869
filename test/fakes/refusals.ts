import { StoreUnavailableError } from '../../src/store/store-call.ts';

/** Refuses texts with lone surrogates, as the JSON reader of the Redis scripts does. */
export function refuseIllFormed(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw new StoreUnavailableError('redis', 'refused');
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(refuseIllFormed);
}
