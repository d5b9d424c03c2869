import { storeUnavailable } from '../../src/errors.ts';

/** Refuses texts with lone surrogates, as the JSON reader of the Redis scripts does. */
export function refuseIllFormed(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw storeUnavailable('redis', 'refused');
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(refuseIllFormed);
}
